"""The values that one round of switching hands from step to step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from ...domain.destination import Destination, Kind
from ...ports import Applied, Line, PlanWindow, TelephonyError
from ...store.queries_switching import Claim, Pairs

Set = frozenset[Destination]
NOTHING: Set = frozenset()


def pairs(destinations: Iterable[Destination]) -> Pairs:
    """A set as it is stored, in one fixed order."""
    return [[one.kind.value, one.value] for one in sorted(destinations)]


def set_of(stored: Pairs | None) -> Set:
    """A stored set read back; None reads as empty."""
    return frozenset(Destination(Kind(kind), value) for kind, value in stored or ())


def earliest(*instants: datetime | None) -> datetime | None:
    """The first of the instants that there are."""
    known = [instant for instant in instants if instant is not None]
    return min(known) if known else None


class Step(StrEnum):
    """What a line needs from its exchange."""

    NOTHING = "nothing"
    """It holds already what it should."""
    WRITE = "write"
    PLAN = "plan"
    """The exchange keeps the coming windows itself: hand over new ones."""


@dataclass(slots=True)
class Intent:
    """What one claimed line should hold at `at`, and why."""

    claim: Claim
    at: datetime
    ours: tuple[Destination, ...] = ()
    """What the calendar asks for, after the rules; empty means the extension's own route."""
    target: Set = NOTHING
    """What the exchange should hold: ours, or the forward that stood there before us."""
    refused: list[list[str]] = field(default_factory=list)
    """[[kind, value, reason], ...] of open events that do not go along."""
    event_ids: list[str] = field(default_factory=list)
    calendar_id: UUID | None = None
    next_at: datetime | None = None
    policy_version: str = ""
    effect: str = "follow"
    observed: Set | None = None
    """What the exchange holds as far as we know; None when we must not guess."""
    revision: int = 0
    foreign: Set | None = None
    fresh: bool = False
    """Nothing of ours was ever written to the line: what stands there is its owner's."""
    trial_over: bool = False
    starts: bool = False
    """Whether this switch puts a destination there that was not there: what a day's cap counts."""
    step: Step = Step.WRITE
    plan: list[PlanWindow] = field(default_factory=list)
    plan_until: datetime | None = None
    fault: Exception | None = None
    """The line itself is poison: nothing could be worked out for it, but perhaps what is over."""

    @property
    def line(self) -> Line:
        return Line(self.claim.domain, self.claim.extension)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back for one intent."""

    intent: Intent
    applied: Applied | None = None
    error: TelephonyError | None = None
    refused: tuple[tuple[Destination, str], ...] = ()
    """Destinations that the exchange itself refused, each with its words."""
    quiet: bool = False
    """Reading showed that the exchange holds it already: nothing was written."""
    unsent: bool = False
    """The error came before anything was written."""
    held_back: float | None = None
    """Seconds until the exchange's breaker lets a write through again; nothing was sent."""
    sent_at: datetime | None = None
    answered_at: datetime | None = None


@dataclass(slots=True)
class BatchReport:
    """What one batch came to, in numbers of lines."""

    claimed: int = 0
    done: int = 0
    nothing: int = 0
    failed: int = 0
    overtaken: int = 0
    held_back: int = 0

    def add(self, other: BatchReport) -> None:
        """Count another part of the same batch too."""
        self.claimed += other.claimed
        self.done += other.done
        self.nothing += other.nothing
        self.failed += other.failed
        self.overtaken += other.overtaken
        self.held_back += other.held_back
