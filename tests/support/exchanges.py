"""An exchange of a test's own: sets only, trouble on demand, a count of what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gcal_plugin.domain.destination import Destination
from gcal_plugin.ports import Applied, BulkResult, Line, LineState, TelephonyError
from gcal_plugin.telephony.memory import MemoryTelephony

Trouble = Callable[[Line], TelephonyError | None]


@dataclass
class Asked:
    """What the exchange was asked, in numbers."""

    writes: int = 0
    bulks: int = 0
    reads: int = 0
    lines: list[Line] = field(default_factory=list)


class Exchange(MemoryTelephony):
    """The exchange in memory without plans.

    `before(line)` may answer an error instead of writing; `after(line)` one after writing, as when
    the answer gets lost. One that does not fence takes whatever comes last, and reads without
    revisions.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Callable[[], datetime] | None = None,
        bulk: int = 500,
        max_destinations: int = 10,
        fences: bool = True,
        chains_forwards: bool = False,
    ) -> None:
        super().__init__(name, max_destinations=max_destinations)
        self.capabilities = replace(
            self.capabilities,
            plan=False,
            bulk=bulk,
            fences=fences,
            chains_forwards=chains_forwards,
        )
        if clock is not None:
            self.exchange.clock = clock
        self.asked = Asked()
        self.before: Trouble = lambda line: None
        self.after: Trouble = lambda line: None
        self.reading: Callable[[], TelephonyError | None] = lambda: None

    def replace(
        self,
        line: Line,
        destinations: frozenset[Destination],
        *,
        revision: int,
        expires_at: datetime | None = None,
    ) -> Applied:
        self.asked.writes += 1
        self.asked.lines.append(line)
        if (error := self.before(line)) is not None:
            raise error
        applied = self._put(line, destinations, revision, expires_at)
        if (error := self.after(line)) is not None:
            raise error
        return applied

    def _put(
        self,
        line: Line,
        destinations: frozenset[Destination],
        revision: int,
        expires_at: datetime | None,
    ) -> Applied:
        if self.capabilities.fences:
            return super().replace(line, destinations, revision=revision, expires_at=expires_at)
        newest = super().read(line).revision + 1
        held = super().replace(line, destinations, revision=newest, expires_at=expires_at)
        return Applied(held.destinations, revision)

    def _told(self, revision: int) -> int:
        return revision if self.capabilities.fences else 0

    def replace_many(self, states: Sequence[LineState]) -> list[BulkResult]:
        self.asked.bulks += 1
        return super().replace_many(states)

    def read(self, line: Line) -> Applied:
        self.asked.reads += 1
        if (error := self.reading()) is not None:
            raise error
        held = super().read(line)
        return Applied(held.destinations, self._told(held.revision))

    def read_all(self) -> Iterator[LineState]:
        if (error := self.reading()) is not None:
            raise error
        for state in super().read_all():
            yield LineState(state.line, state.destinations, self._told(state.revision))

    def by_hand(self, line: Line, *values: str) -> None:
        """Somebody changes the forward on the phone itself."""
        held = super().read(line)
        wanted = frozenset(Destination.parse(value) for value in values)
        super().replace(line, wanted, revision=held.revision + 1)
