"""The `memory` backend: an exchange inside this process, for tests and first steps.

It lives as long as the process, so workers and pages of different processes each see their own;
the demo PBX is the same exchange behind HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from ..domain.destination import Destination
from ..ports.telephony import (
    Applied,
    BulkResult,
    Capabilities,
    Health,
    Line,
    LineState,
    PlanWindow,
    TelephonyError,
)
from .exchange import Held, MemoryExchange
from .faults import BackendConfig
from .rendering import check_line, check_set
from .verdict import judge, judge_plan

PAGE = 500


class MemoryConfig(BackendConfig):
    """Keys of a `memory` entry."""

    lines: dict[str, frozenset[str]] | None = Field(
        default=None, description="Extensions by domain; without it every line exists."
    )
    max_destinations: int = Field(default=10, ge=1, description="The most that ring at once.")


class MemoryTelephony:
    """An exchange of this process; `exchange` is open for a look inside."""

    def __init__(
        self, name: str, exchange: MemoryExchange | None = None, *, max_destinations: int = 10
    ) -> None:
        self.name = name
        self.exchange = exchange if exchange is not None else MemoryExchange()
        self.capabilities = Capabilities(
            max_destinations=max_destinations,
            caller_number="either",
            fences=True,
            bulk=PAGE,
            plan=True,
            expiry=True,
        )

    def replace(
        self,
        line: Line,
        destinations: frozenset[Destination],
        *,
        revision: int,
        expires_at: datetime | None = None,
    ) -> Applied:
        wanted = check_set(destinations, maximum=self.capabilities.max_destinations)
        held = Held(wanted, revision, expires_at=expires_at)
        return judge(wanted, revision, self.exchange.put(check_line(line), held))

    def replace_many(self, states: Sequence[LineState]) -> list[BulkResult]:
        results = []
        for state in states:
            try:
                applied = self.replace(state.line, state.destinations, revision=state.revision)
            except TelephonyError as error:
                results.append(BulkResult(state.line, error=error))
            else:
                results.append(BulkResult(state.line, applied=applied))
        return results

    def replace_plan(
        self, line: Line, windows: Sequence[PlanWindow], *, valid_until: datetime, revision: int
    ) -> Applied:
        held = Held(revision=revision, windows=tuple(windows), valid_until=valid_until)
        return judge_plan(revision, self.exchange.put(check_line(line), held))

    def read(self, line: Line) -> Applied:
        return self.exchange.applied(check_line(line))

    def read_all(self) -> Iterator[LineState]:
        after: Line | None = None
        more = True
        while more:
            states, more = self.exchange.page(after, PAGE)
            yield from states
            after = states[-1].line if states else None

    def check(self) -> Health:
        return Health(True, "in this process")


def build(name: str, config: dict[str, Any]) -> MemoryTelephony:
    """A `memory` entry of the settings."""
    keys = MemoryConfig(**config)
    exchange = MemoryExchange(lines=keys.lines)
    return MemoryTelephony(name, exchange, max_destinations=keys.max_destinations)
