"""Calls to an adapter that raise nothing but what its port names.

An adapter is somebody's code too. What it raises beyond `TelephonyError` must not sink the other
lines of a batch, nor come round for ever without a word.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from ...ports import (
    Applied,
    BulkResult,
    LineState,
    StaleRevision,
    TelephonyError,
    Temporary,
    VerifyMismatch,
)
from ...ports.arming import Armable, Prepared

log = structlog.get_logger(__name__)

_T = TypeVar("_T")

HIGHEST = 2**62
"""The highest revision that is taken for one: the database's whole numbers end at twice this, and
every write needs a higher one."""


class Unforeseen(TelephonyError):
    """The adapter broke, or answered what no exchange can hold.

    Kept on trying like silence, since an end must run once it is mended, but it says nothing about
    whether the exchange answers. After three times the line counts as quarantined.
    """

    permanent = False


def asked(call: Callable[[], Applied]) -> Applied:
    """What the exchange holds, by its own answer; raises `TelephonyError` only."""
    applied = _only_told(call)
    _bounded(applied)
    return applied


def asked_many(call: Callable[[], list[BulkResult]], lines: int) -> list[BulkResult]:
    """One result for each of so many lines, in their order; raises `TelephonyError` only.

    `Unforeseen` means that nothing is known about any of them.
    """
    results = _only_told(call)
    if len(results) != lines:
        raise Unforeseen(f"{len(results)} results came for {lines} lines")
    return [_result(one) for one in results]


def prepared(exchange: Armable, states: Sequence[LineState]) -> Prepared | None:
    """The bulk write made ready; None where that failed, which is met again when it is written."""
    try:
        return exchange.prepare_many(states)
    except Exception as error:  # noqa: BLE001 (nothing is lost: it is written in the plain way)
        log.error("not_prepared", lines=len(states), fault=repr(error), where=_where(error))
        return None


def _only_told(call: Callable[[], _T]) -> _T:
    try:
        return call()
    except (StaleRevision, VerifyMismatch) as error:
        _bounded(error.held)
        raise
    except TelephonyError:
        raise
    except OSError as error:
        # A connection that failed: the commonest that an adapter forgets to translate.
        raise Temporary(_words(error)) from error
    except Exception as error:
        log.error("adapter_failed", fault=repr(error), where=_where(error))
        raise Unforeseen(_words(error)) from error


def _result(one: BulkResult) -> BulkResult:
    try:
        if one.applied is not None:
            _bounded(one.applied)
        elif isinstance(one.error, StaleRevision | VerifyMismatch):
            _bounded(one.error.held)
        elif one.error is None:
            raise Unforeseen("neither an answer nor an error")
    except Unforeseen as error:
        return BulkResult(one.line, error=error)
    return one


def storable(state: LineState) -> LineState:
    """The state, or an odd one where its revision cannot be stored."""
    try:
        _bounded(state)
    except Unforeseen as error:
        return LineState(state.line, frozenset(), 0, odd=str(error))
    return state


def _bounded(held: Applied | LineState) -> None:
    if not 0 <= held.revision <= HIGHEST:
        raise Unforeseen(f"the exchange holds revision {held.revision}, which cannot be stored")


def _where(error: Exception) -> str:
    """The line of code that raised: a whole traceback for each of thousands of lines tells less."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
