"""The telephone exchange (PBX): whole sets of forwards, replaced and read back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from ..domain.destination import Destination


class Line(NamedTuple):
    """An extension as the exchange knows it: two domains may both have a 200."""

    domain: str
    extension: str


@dataclass(frozen=True, slots=True)
class LineState:
    """The set of destinations of one line at one revision; an empty set means no forward."""

    line: Line
    destinations: frozenset[Destination]
    revision: int
    odd: str = ""
    """What stands there, in words, where it is no set of destinations (a feature code that somebody
    typed, say); `destinations` is empty then and says nothing. One odd line must not keep the
    others from being listed."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What the exchange says it holds after a write, never what we asked for."""

    destinations: frozenset[Destination]
    revision: int


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The outcome for one line of a bulk write: exactly one of `applied` and `error` is set."""

    line: Line
    applied: Applied | None = None
    error: TelephonyError | None = None


@dataclass(frozen=True, slots=True)
class PlanWindow:
    """From `start` up to, not including, `end` (aware UTC), calls go to `destination` as well."""

    start: datetime
    end: datetime
    destination: Destination


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can express; decides what a customer is told when linking."""

    mode: Literal["push", "pull"] = "push"
    max_destinations: int | None = None
    multi_keeps_own_phone: bool = False
    accepts_extensions: bool = True
    chains_forwards: bool = False
    ring_seconds: int | None = None
    answer_confirmation: bool = False
    without_answer: Literal["ends", "own_route", "unknown"] = "unknown"
    """When nobody answers in time: the call ends, or the extension's own route has it back."""
    caller_number: Literal["caller", "own", "either", "unknown"] = "unknown"
    number_format: Literal["national", "00", "e164"] = "e164"
    atomic_replace: bool = True
    fences: bool = False
    """Refuses revisions that are not newer than the one it holds."""
    read_back: bool = True
    bulk: int = 0
    """The most states one bulk write takes; 0 where there is none."""
    plan: bool = False
    expiry: bool = False
    proven: bool = True
    """False where the adapter was only tried against a stand-in, never a real platform."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the exchange can be reached and lets us in, and what it said about itself."""

    ok: bool
    detail: str = ""
    facts: dict[str, str] = field(default_factory=dict)


class TelephonyError(Exception):
    """A write or a read that did not succeed. `permanent` decides whether a retry makes sense."""

    permanent = True

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the exchange asked us to wait, where it said so."""


class Temporary(TelephonyError):
    """Time-outs, refused connections, 408, 425, 429, 5xx: try again, reading first if possible."""

    permanent = False


class AuthFailed(TelephonyError):
    """The exchange does not accept our credentials: stop and tell the operator."""


class UnknownExtension(TelephonyError):
    """The exchange has no such line."""


class InvalidDestination(TelephonyError):
    """The exchange refuses one destination; `destination` names it where the exchange did."""

    def __init__(self, message: str, *, destination: Destination | None = None) -> None:
        super().__init__(message)
        self.destination = destination


class ForeignForward(TelephonyError):
    """What the line holds is no set of destinations, so it is not ours: never written over unseen.

    Not about silence, and gone as soon as its owner takes it away: worth another look each minute.
    """

    permanent = False

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=60.0)


class Unsupported(TelephonyError):
    """The platform cannot express what was asked (several destinations, a plan, an expiry)."""


class StaleRevision(TelephonyError):
    """The exchange holds a newer revision; the write is dropped. `held` is what it has now."""

    def __init__(self, message: str, *, held: Applied) -> None:
        super().__init__(message)
        self.held = held


class VerifyMismatch(TelephonyError):
    """The exchange said yes and holds something else: retry, then alarm."""

    permanent = False

    def __init__(self, message: str, *, held: Applied) -> None:
        super().__init__(message)
        self.held = held


@runtime_checkable
class Telephony(Protocol):
    """One exchange. Every method may raise `TelephonyError`; none may block past its time-out."""

    name: str
    capabilities: Capabilities

    def replace(
        self,
        line: Line,
        destinations: frozenset[Destination],
        *,
        revision: int,
        expires_at: datetime | None = None,
    ) -> Applied:
        """Replace the whole set of one line; empty clears; repeating changes nothing."""
        ...

    def replace_many(self, states: Sequence[LineState]) -> list[BulkResult]:
        """Replace many lines at once, one result each in the same order (where `bulk` > 0)."""
        ...

    def replace_plan(
        self, line: Line, windows: Sequence[PlanWindow], *, valid_until: datetime, revision: int
    ) -> Applied:
        """Hand over the coming windows (where `plan`); after `valid_until` none starts any more."""
        ...

    def read(self, line: Line) -> Applied:
        """What the line holds now; an empty set at revision 0 where it holds nothing.

        Raises `ForeignForward` where it holds something that is no set of destinations.
        """
        ...

    def read_all(self) -> Iterator[LineState]:
        """Every line that holds, or ever held, a set of ours; pages lazily, and ends.

        Raises `Unsupported` where the exchange cannot list its lines.
        """
        ...

    def check(self) -> Health:
        """Reach the exchange and log in, changing nothing."""
        ...
