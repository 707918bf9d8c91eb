"""Calendar events -> forward windows: zones, whole days, whose event counts.

A window is half-open: it holds at its start and no longer at its end. Instants are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from gcal_plugin.domain.destination import Destination, Kind, Reading, read_title
from gcal_plugin.domain.policy import ANY_LINE, DEFAULT, LineContext, Policy, decide
from gcal_plugin.domain.reasons import Reason, is_ordinary

FREE_BUSY_ROLES = frozenset({"freeBusyReader", "none"})
"""Access roles that read no titles."""


class UnknownZone(ValueError):
    """The calendar, or an event, names a time zone that does not exist."""


@dataclass(frozen=True, slots=True)
class EventTime:
    """One end of an event: a whole day, or an instant.

    An instant without an offset is read in `zone`, or else in the calendar's zone.
    """

    day: date | None = None
    instant: datetime | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """What matters of one event instance, as plain values.

    `organizer_self` is None where the calendar's answer names no organiser, which counts as the
    calendar's own. `self_response` is the calendar owner's own answer ("accepted", "declined",
    ...). `title_hidden` is True where the event is there but its title may not be read.
    `original_start` is the instant that identifies an instance of a series, also when it moved.
    """

    id: str
    status: str = "confirmed"
    title: str | None = None
    start: EventTime | None = None
    end: EventTime | None = None
    recurring_event_id: str | None = None
    original_start: EventTime | None = None
    event_type: str = "default"
    organizer_self: bool | None = None
    self_response: str | None = None
    visibility: str | None = None
    title_hidden: bool = False
    end_unspecified: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """One event as a forward: from `start` (included) to `end` (not), aware UTC.

    `allowed` is False exactly when `reason` is set. `value` is the canonical destination where the
    title reads as one, also when it is refused, so that a changed policy can be applied without
    asking the calendar again. `accepted_invitation` marks an invitation that the owner accepted,
    which counts only by the tenant's choice.
    """

    event_id: str
    start: datetime
    end: datetime
    kind: Kind
    value: str | None
    allowed: bool
    reason: Reason | None = None
    suggestion: str | None = None
    series_id: str | None = None
    original_start: datetime | None = None
    all_day: bool = False
    accepted_invitation: bool = False

    @property
    def destination(self) -> Destination | None:
        """Where calls go while this window is open; None when it does not forward."""
        if not self.allowed or self.value is None:
            return None
        return Destination(self.kind, self.value)


def event_window(
    event: CalendarEvent, *, calendar_zone: str, access_role: str = "owner"
) -> Window | None:
    """Read one event; None when it was cancelled or has no times.

    The window carries the title's reading and what is the matter with the event itself; the rules
    on destinations come with `judge`. Raises UnknownZone.
    """
    if event.status == "cancelled" or event.start is None or event.end is None:
        return None
    start = resolve(event.start, calendar_zone)
    end = resolve(event.end, calendar_zone)
    if start is None or end is None:
        return None
    accepted = event.organizer_self is False and event.self_response == "accepted"
    reading, reason = _reading(event, access_role, timeless=end <= start)
    original = event.original_start and resolve(event.original_start, calendar_zone)
    return Window(
        event_id=event.id,
        series_id=event.recurring_event_id,
        original_start=original,
        start=start,
        end=end,
        all_day=event.start.day is not None,
        kind=reading.kind,
        value=reading.value,
        allowed=reason is None,
        reason=reason,
        suggestion=reading.suggestion if reason is reading.reason else None,
        accepted_invitation=accepted,
    )


def _reading(
    event: CalendarEvent, access_role: str, *, timeless: bool
) -> tuple[Reading, Reason | None]:
    """Answer the title's reading, and the first thing that keeps the event from counting."""
    if access_role in FREE_BUSY_ROLES:
        return Reading(Kind.NONE, None, Reason.FREE_BUSY_ONLY), Reason.FREE_BUSY_ONLY
    if event.title_hidden:
        return Reading(Kind.NONE, None, Reason.PRIVATE), Reason.PRIVATE
    reading = read_title(event.title)
    if is_ordinary(reading.reason):
        return reading, reading.reason
    if event.event_type != "default":
        return reading, Reason.EVENT_TYPE
    if event.self_response == "declined":
        return reading, Reason.DECLINED
    if event.organizer_self is False:
        return reading, Reason.INVITATION
    if event.end_unspecified:
        return reading, Reason.NO_END
    if timeless:
        return reading, Reason.ZERO_LENGTH
    return reading, reading.reason


# What the event or its title is: no rule on destinations can change these.
_FIXED = frozenset(
    reason
    for reason in Reason
    if reason
    in {
        Reason.ORDINARY_TEXT,
        Reason.EMPTY_TITLE,
        Reason.INVITATION,
        Reason.PRIVATE,
        Reason.FREE_BUSY_ONLY,
        Reason.DECLINED,
        Reason.CANCELLED,
        Reason.ZERO_LENGTH,
        Reason.NO_END,
        Reason.EVENT_TYPE,
    }
)


def judge(window: Window, policy: Policy = DEFAULT, line: LineContext = ANY_LINE) -> Window:
    """Apply the rules of now to a window, also to one judged earlier by other rules.

    Idempotent: judging a judged window again by the same rules changes nothing.
    """
    raise NotImplementedError


def resolve(time: EventTime, calendar_zone: str) -> datetime | None:
    """Answer the UTC instant; a whole day begins at midnight in the calendar's zone."""
    raise NotImplementedError
