"""Many lines on an exchange that takes one at a time: several on their way at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from ..domain.destination import Destination
from ..ports.telephony import Applied, BulkResult, Line, LineState, TelephonyError


class Replaces(Protocol):
    """What is needed of an exchange here."""

    def replace(
        self, line: Line, destinations: frozenset[Destination], *, revision: int
    ) -> Applied: ...


def one_by_one(exchange: Replaces, states: Sequence[LineState], workers: int) -> list[BulkResult]:
    """`replace` for each state, `workers` at a time; one result each, in the same order."""

    def write(state: LineState) -> BulkResult:
        try:
            applied = exchange.replace(state.line, state.destinations, revision=state.revision)
        except TelephonyError as error:
            return BulkResult(state.line, error=error)
        return BulkResult(state.line, applied=applied)

    if len(states) <= 1 or workers <= 1:
        return [write(state) for state in states]
    with ThreadPoolExecutor(min(workers, len(states))) as pool:
        return list(pool.map(write, states))
