"""The view models: what a page knows. Codes and values; the words are the templates' business."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from ...domain.reasons import Reason, Severity
from ...ports import ExtensionKind
from ..switching.effect import Mode


class PageState(StrEnum):
    """The states of the status page; each has one sentence and one next step."""

    UNAVAILABLE = "unavailable"
    NOT_CONFIGURED = "not_configured"
    REQUESTED = "requested"
    QUOTED = "quoted"
    AGREED = "agreed"
    PROVISIONING = "provisioning"
    READY = "ready"
    CANCELLED = "cancelled"
    SCOPE = "scope"
    NO_CALENDAR = "no_calendar"
    IDLE = "idle"
    FORWARDING = "forwarding"
    STALE = "stale"
    RECONNECT = "reconnect"
    GONE = "gone"
    REFUSED = "refused"
    PAUSED = "paused"
    CONFIRM = "confirm"
    DISCONNECTED = "disconnected"


class ProblemCode(StrEnum):
    """What is wrong, as a stable code."""

    ACCESS_LOST = "access_lost"
    CALENDAR_GONE = "calendar_gone"
    UNREADABLE = "unreadable"
    STALE = "stale"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    PARTLY_REFUSED = "partly_refused"
    CONTESTED = "contested"
    KILLED = "killed"
    GAP = "gap"
    OTHER_ZONE = "other_zone"
    SOMEBODY_ELSES = "somebody_elses"
    TYPED_WRONG = "typed_wrong"
    ENDS = "ends"


class Mend(StrEnum):
    """The one button that mends a problem."""

    CONNECT = "connect"
    CHOOSE = "choose"
    REFRESH = "refresh"
    RETRY = "retry"
    PLAN = "plan"
    EDIT = "edit"
    """Opens the appointment, or the calendar, at Google."""
    PRECAUTIONS = "precautions"
    SUPPORT = "support"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class DestinationView:
    """A destination with the name that the portal knows it by."""

    kind: str
    value: str
    name: str = ""
    extension_kind: ExtensionKind | None = None


@dataclass(frozen=True, slots=True)
class EventView:
    """One appointment with its verdict. Never a title."""

    event_id: str
    start: datetime
    end: datetime
    all_day: bool
    destination: DestinationView | None
    """What the title reads as, also when it is refused."""
    reason: Reason | None
    severity: Severity | None
    suggestion: str | None
    running: bool
    url: str = ""
    """The appointment in Google Calendar."""
    held: bool = False
    """It would forward, but the link is paused until after it, or stands still."""

    @property
    def forwards(self) -> bool:
        return self.reason is None and self.destination is not None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, since when, what it costs, and the button that mends it."""

    code: ProblemCode
    mend: Mend = Mend.NONE
    since: datetime | None = None
    missed: int = 0
    """Forwards in the coming seven days that will not run because of it."""
    destinations: tuple[DestinationView, ...] = ()
    """What was refused; in `Mode.FALLBACK` where all calls go."""
    mode: Mode = Mode.FOLLOW
    """What the link does meanwhile."""
    reason: Reason | None = None
    detail: str = ""
    """The exchange's or Google's own words, cut to a line."""
    until: datetime | None = None
    event: EventView | None = None
    """The first appointment that has it, where it is one of appointments."""
    url: str = ""
    """Where `Mend.EDIT` goes."""


@dataclass(frozen=True, slots=True)
class ActivityView:
    """One line of what happened."""

    at: datetime
    what: str
    """A stable code (see `web.words.ACTIVITY`)."""
    actor: str = "system"
    """`system`, `you`, `customer`, `support` or `operator`."""
    destinations: tuple[DestinationView, ...] = ()
    event_at: datetime | None = None
    """When the switch was due."""
    late: float | None = None
    outcome: str = ""
    detail: str = ""
    url: str = ""
    """The appointment that asked for it, in Google Calendar."""


@dataclass(frozen=True, slots=True)
class WeekBar:
    """One forward on one day: minutes since midnight, in the tenant's zone."""

    first_minute: int
    last_minute: int
    lane: int
    forwards: bool
    destination: DestinationView | None
    held: bool = False


@dataclass(frozen=True, slots=True)
class WeekDay:
    day: date
    bars: tuple[WeekBar, ...] = ()
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class WeekView:
    """Seven days from today, for the picture and for the table beside it."""

    days: tuple[WeekDay, ...] = ()
    now_minute: int = 0

    @property
    def empty(self) -> bool:
        return not any(day.bars for day in self.days)


@dataclass(frozen=True, slots=True)
class CalendarFacts:
    """The linked calendar and how fresh our reading of it is."""

    name: str
    google_id: str
    owner: str
    time_zone: str
    access_role: str
    synced_at: datetime | None
    push: bool
    """Google tells us of changes; otherwise we look every `poll_seconds`."""
    poll_seconds: float


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """The link itself."""

    id: UUID
    extension: str
    name: str
    kind: ExtensionKind
    mine: bool
    """False where a colleague's link is looked at by the customer's administrator."""
    email: str = ""
    granted_at: datetime | None = None
    linked_at: datetime | None = None
    calendar: CalendarFacts | None = None
    paused: bool = False
    paused_until: datetime | None = None
    stale_choice: str = "keep"
    fallback: DestinationView | None = None
    second_contact: str = ""
    ends_at: datetime | None = None
    app_name: str = ""


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the timeline from request to link."""

    code: str
    """`requested`, `quoted`, `agreed`, `provisioning`, `ready`, `linked`."""
    state: str
    """`done`, `now` or `later`."""
    at: datetime | None = None
    owner: str = ""
    """Who is to act: `you` or `us`."""


@dataclass(frozen=True, slots=True)
class RequestView:
    """The request as its customer sees it."""

    id: UUID
    state: str
    extension: str
    created_at: datetime
    steps: tuple[StepView, ...] = ()
    once_price: Decimal | None = None
    monthly_price: Decimal | None = None
    vat_percent: Decimal | None = None
    valid_until: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class StatusView:
    """Everything on the status page of one link, or of an account without one."""

    state: PageState
    now: datetime | None = None
    """The instant by which all of this was decided."""
    mode: Mode = Mode.FOLLOW
    """What the link makes of its calendar now: follow, finish, fall back or let go."""
    link: LinkFacts | None = None
    ringing: tuple[DestinationView, ...] = ()
    """Where calls go now, as the exchange last said it."""
    until: datetime | None = None
    """When that changes."""
    standing: tuple[DestinationView, ...] = ()
    """The customer's own forward, set by hand: it holds whenever none of ours is active."""
    upcoming: EventView | None = None
    """The next forward that will start."""
    events: tuple[EventView, ...] = ()
    """Forwards, and appointments that were meant as one."""
    ordinary: int = 0
    """Ordinary appointments, folded away."""
    more_events: int = 0
    problems: tuple[Problem, ...] = ()
    activity: tuple[ActivityView, ...] = ()
    week: WeekView = field(default_factory=WeekView)
    request: RequestView | None = None
    others: int = 0
    """How many more links this account has."""
    trial_until: datetime | None = None

    @property
    def live(self) -> bool:
        """Whether the page changes by itself."""
        return self.state in _LIVE


_LIVE = frozenset(
    {
        PageState.IDLE,
        PageState.FORWARDING,
        PageState.STALE,
        PageState.REFUSED,
        PageState.PAUSED,
        PageState.PROVISIONING,
    }
)
