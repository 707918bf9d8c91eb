"""An exchange in memory: what the `memory` backend and the demo PBX hold and decide.

It fences: a revision that is not newer changes nothing, and every answer is what is held.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock

from ..domain.destination import Destination
from ..ports.telephony import (
    Applied,
    InvalidDestination,
    Line,
    LineState,
    PlanWindow,
    UnknownExtension,
)

NOTHING: frozenset[Destination] = frozenset()


def utc_now() -> datetime:
    """The exchange's own clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Held:
    """What a line holds: a set, or a plan of windows, at one revision."""

    destinations: frozenset[Destination] = NOTHING
    revision: int = 0
    windows: tuple[PlanWindow, ...] = ()
    valid_until: datetime | None = None
    expires_at: datetime | None = None

    @property
    def planned(self) -> bool:
        """Whether a plan decides, not a set."""
        return self.valid_until is not None

    def ringing(self, at: datetime) -> frozenset[Destination]:
        """Who rings at an instant. No window starts after the plan's validity; a begun one ends."""
        if self.valid_until is not None:
            return frozenset(
                window.destination
                for window in self.windows
                if window.start <= at < window.end and window.start < self.valid_until
            )
        if self.expires_at is not None and at >= self.expires_at:
            return NOTHING
        return self.destinations


@dataclass(frozen=True, slots=True)
class Write:
    """One write that changed a line: when, and what it holds since."""

    at: datetime
    line: Line
    held: Held


@dataclass(slots=True)
class MemoryExchange:
    """Lines and what they hold; safe to use from several threads."""

    lines: Mapping[str, frozenset[str]] | None = None
    """Extensions by domain; None takes every line as existing."""
    refused: frozenset[Destination] = NOTHING
    """Destinations that this exchange refuses, whoever asks."""
    clock: Callable[[], datetime] = utc_now
    on_write: Callable[[Sequence[Write]], None] | None = None
    """Told of each batch of changes before it is answered (the demo PBX writes its journal)."""
    history: list[Write] = field(default_factory=list)
    _held: dict[Line, Held] = field(default_factory=dict)
    _order: list[Line] | None = None
    _lock: RLock = field(default_factory=RLock)

    def knows(self, line: Line) -> bool:
        """Whether the line exists here."""
        return self.lines is None or line.extension in self.lines.get(line.domain, frozenset())

    def put(self, line: Line, held: Held) -> Applied:
        """Replace what a line holds where the revision is newer; answers what is held now.

        Raises `UnknownExtension` and `InvalidDestination`; then nothing has changed.
        """
        return self.put_many([(line, held)])[0]

    def put_many(self, states: Iterable[tuple[Line, Held]]) -> list[Applied]:
        """Several lines in one step, all checked before the first changes."""
        wanted = list(states)
        for line, held in wanted:
            self.check(line, held)
        with self._lock:
            now = self.clock()
            writes = []
            for line, held in wanted:
                before = self._held.get(line)
                if before is not None and held.revision <= before.revision:
                    continue
                if before is None:
                    self._order = None
                self._held[line] = held
                writes.append(Write(now, line, held))
            self.history.extend(writes)
            if writes and self.on_write is not None:
                self.on_write(writes)
            return [self._applied(line, now) for line, _ in wanted]

    def check(self, line: Line, held: Held) -> None:
        """Raise what a write of this would be refused for."""
        if not self.knows(line):
            raise UnknownExtension(f"no extension {line.extension} in {line.domain}")
        if not self.refused:
            return
        for one in sorted(held.destinations | {window.destination for window in held.windows}):
            if one in self.refused:
                raise InvalidDestination(f"{one} is refused here", destination=one)

    def applied(self, line: Line, at: datetime | None = None) -> Applied:
        """Who rings now (or at an instant), and the revision; raises `UnknownExtension`."""
        if not self.knows(line):
            raise UnknownExtension(f"no extension {line.extension} in {line.domain}")
        with self._lock:
            return self._applied(line, at or self.clock())

    def held(self, line: Line) -> Held:
        """Everything a line holds, its plan too."""
        with self._lock:
            return self._held.get(line, Held())

    def page(self, after: Line | None, limit: int) -> tuple[list[LineState], bool]:
        """Up to `limit` lines that follow `after`, in order, and whether more follow."""
        with self._lock:
            if self._order is None:
                self._order = sorted(self._held)
            start = 0 if after is None else bisect_right(self._order, after)
            chosen = self._order[start : start + limit]
            now = self.clock()
            states = []
            for line in chosen:
                applied = self._applied(line, now)
                states.append(LineState(line, applied.destinations, applied.revision))
            return states, start + limit < len(self._order)

    def restore(self, writes: Iterable[Write]) -> None:
        """Take over what an earlier life held, oldest first."""
        with self._lock:
            for write in writes:
                self._held[write.line] = write.held
                self.history.append(write)
            self._order = None

    def _applied(self, line: Line, at: datetime) -> Applied:
        held = self._held.get(line)
        return Applied(NOTHING, 0) if held is None else Applied(held.ringing(at), held.revision)
