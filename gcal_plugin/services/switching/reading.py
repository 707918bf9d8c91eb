"""What an exchange holds: its list, or line by line, with an end to both.

One odd line, or one that cannot be read, does not keep the others from being read.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import structlog

from ...ports import (
    ForeignForward,
    Line,
    LineState,
    Telephony,
    TelephonyError,
    Temporary,
    Unsupported,
)
from ...store import queries_sweep
from ...store.queries_sweep import Record
from ..runtime import Runtime
from .breaker import Breaker, breaker_of
from .foreseen import storable
from .model import NOTHING

log = structlog.get_logger(__name__)

LISTING_SECONDS = 60.0
"""What a list may take as a whole, also from an adapter that knows no end itself."""
ONE_BY_ONE = 1000
"""Lines in one look over an exchange that cannot list what it holds; longest unread first."""
EMPTY_SHARE = 10
"""One in so many of those may be a line that is empty by our records and surely so."""
ONE_BY_ONE_SECONDS = 20.0
"""What such a look may take: the next is only half a minute away."""
HANDS = 4
"""Reads at once."""


Unverified = Sequence[tuple[int, UUID]]
"""Ledger entries that were not read back yet, with their links."""


@dataclass(slots=True)
class Found:
    """What one look came to: which records were compared with what, and how many are left."""

    asked: datetime
    """When reading began."""
    records: list[Record]
    held: dict[Line, LineState]
    lines: int
    """All lines that there are to compare."""
    unverified: Unverified
    unread: list[str] = field(default_factory=list)
    """Why lines could not be read, a text each."""

    def of(self, record: Record) -> LineState:
        """What a line holds; one that is not listed holds nothing."""
        line = line_of(record)
        return self.held.get(line) or LineState(line, NOTHING, 0)

    def verified(self, wrong: Collection[UUID]) -> list[int]:
        """The ledger entries that this look confirms, where it did not find the line `wrong`."""
        return [entry for entry, link_id in self.unverified if link_id not in wrong]


def line_of(record: Record) -> Line:
    """The line that a record is about."""
    return Line(record.domain, record.extension)


def read_exchange(
    rt: Runtime,
    exchange: Telephony,
    known: list[Record],
    asked: datetime,
    unverified: Unverified,
) -> Found:
    """Read the lines of an exchange: those of `known`, and what else it holds.

    Raises `TelephonyError` where it could not be read at all: that says nothing about any line.
    """
    try:
        held = _listed(exchange, {line_of(one) for one in known})
    except Unsupported:
        return _one_by_one(rt, exchange, asked, unverified)
    except Temporary:
        breaker_of(rt, exchange.name).silent()
        raise
    known = known + _unexpected(rt, exchange.name, known, held)
    return Found(asked, known, held, len(known), unverified)


def _listed(exchange: Telephony, expected: Collection[Line]) -> dict[Line, LineState]:
    until = time.monotonic() + LISTING_SECONDS
    held: dict[Line, LineState] = {}
    for listed in exchange.read_all():
        state = storable(listed)
        if time.monotonic() > until:
            raise TelephonyError(f"listing its lines took more than {LISTING_SECONDS:.0f} s")
        if state.destinations or state.odd or state.line in expected:
            held[state.line] = state
    return held


def _unexpected(
    rt: Runtime, pbx: str, known: list[Record], held: dict[Line, LineState]
) -> list[Record]:
    """Records of the lines that hold something although, by what we know, they are empty."""
    expected = {line_of(one) for one in known}
    lines = [
        line
        for line, state in held.items()
        if (state.destinations or state.odd) and line not in expected
    ]
    with rt.store.begin() as session:
        found = queries_sweep.records_of(session, pbx, lines)
    rt.store.release()
    return found


def _one_by_one(rt: Runtime, exchange: Telephony, asked: datetime, unverified: Unverified) -> Found:
    with rt.store.begin() as session:
        everything = queries_sweep.every_record(session, exchange.name)
    rt.store.release()
    chosen = _turns(everything, {link_id for _, link_id in unverified})
    until = time.monotonic() + ONE_BY_ONE_SECONDS
    breaker = breaker_of(rt, exchange.name)
    with ThreadPoolExecutor(min(HANDS, len(chosen) or 1)) as pool:
        states = list(pool.map(lambda one: _read(exchange, breaker, line_of(one), until), chosen))
    found = Found(asked, [], {}, len(everything), ())
    for record, state in zip(chosen, states, strict=True):
        if isinstance(state, LineState):
            found.records.append(record)
            found.held[state.line] = state
        elif state is not None:
            found.unread.append(str(state))
    compared = {record.link_id for record in found.records}
    found.unverified = [one for one in unverified if one[1] in compared]
    if found.unread and not found.records:
        raise TelephonyError(found.unread[0])
    return found


def _turns(records: list[Record], unsure: Collection[UUID]) -> list[Record]:
    """The share of the lines for one look, the longest unread first.

    Mostly those that ring somewhere, or may. What somebody sets by hand on an empty line is seen
    too, in turn.
    """
    never = datetime.min.replace(tzinfo=UTC)
    records = sorted(records, key=lambda one: one.observed_at or never)
    first = [one for one in records if one.holds or one.link_id in unsure]
    others = [one for one in records if not (one.holds or one.link_id in unsure)]
    room = max(ONE_BY_ONE - len(first), ONE_BY_ONE // EMPTY_SHARE)
    others = others[:room]
    return first[: ONE_BY_ONE - len(others)] + others


def _read(
    exchange: Telephony, breaker: Breaker, line: Line, until: float
) -> LineState | Exception | None:
    """A line's state, or why it could not be read; None where there was no time for it."""
    if time.monotonic() > until or breaker.waits():
        return None
    try:
        held = exchange.read(line)
    except Temporary as error:
        breaker.silent()
        return error
    except ForeignForward as error:
        breaker.answered()
        return LineState(line, NOTHING, 0, odd=str(error))
    except TelephonyError as error:
        breaker.answered()
        return error
    except Exception as fault:  # noqa: BLE001 (one line that breaks an adapter: told, not spread)
        log.error("line_unreadable", pbx=exchange.name, line=line, fault=repr(fault))
        return fault
    breaker.answered()
    return storable(LineState(line, held.destinations, held.revision))
