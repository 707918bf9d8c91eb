"""Calendar events -> forward windows: zones, whole days, whose event counts.

A window is half-open: it holds at its start and no longer at its end. Instants are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from gcal_plugin.domain import zones
from gcal_plugin.domain.destination import Destination, Kind, Reading, read_title
from gcal_plugin.domain.policy import ANY_LINE, DEFAULT, LineContext, Policy, decide
from gcal_plugin.domain.reasons import Reason, is_ordinary

FREE_BUSY_ROLES = frozenset({"freeBusyReader", "none"})
"""Access roles that read no titles."""


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
    which counts only by the tenant's choice. `start_date` and `end_date` (not included) are the
    days of an all-day event, so that a calendar that moves to another zone moves its windows.
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
    start_date: date | None = None
    end_date: date | None = None

    @property
    def destination(self) -> Destination | None:
        """Where calls go while this window is open; None when it does not forward."""
        if not self.allowed or self.value is None:
            return None
        return Destination(self.kind, self.value)


UnknownZone = zones.UnknownZone


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
    original = event.original_start
    return Window(
        event_id=event.id,
        series_id=event.recurring_event_id,
        original_start=None if original is None else resolve(original, calendar_zone),
        start=start,
        end=end,
        all_day=event.start.day is not None,
        kind=reading.kind,
        value=reading.value,
        allowed=reason is None,
        reason=reason,
        suggestion=reading.suggestion if reason is reading.reason else None,
        accepted_invitation=accepted,
        start_date=event.start.day,
        end_date=event.end.day,
    )


def in_zone(window: Window, calendar_zone: str) -> Window:
    """Answer the window after its calendar moved to another zone: only whole days move."""
    if window.start_date is None or window.end_date is None:
        return window
    return replace(
        window,
        start=zones.start_of_day(window.start_date, calendar_zone),
        end=zones.start_of_day(window.end_date, calendar_zone),
    )


def _reading(
    event: CalendarEvent, access_role: str, *, timeless: bool
) -> tuple[Reading, Reason | None]:
    """Answer the title's reading, and the first thing that keeps the event from counting."""
    hidden = Reason.PRIVATE if event.title_hidden else None
    if access_role in FREE_BUSY_ROLES:
        hidden = Reason.FREE_BUSY_ONLY
    if hidden is not None:
        return Reading(Kind.NONE, None, hidden), hidden
    reading = read_title(event.title)
    if is_ordinary(reading.reason):
        return reading, reading.reason
    return reading, _uncounted(event, timeless=timeless) or reading.reason


def _uncounted(event: CalendarEvent, *, timeless: bool) -> Reason | None:
    """Answer why an event does not count, whatever its title says; None when it does."""
    if event.event_type != "default":
        return Reason.EVENT_TYPE
    if event.self_response == "declined":
        return Reason.DECLINED
    if event.end_unspecified:
        return Reason.NO_END
    if timeless:
        return Reason.ZERO_LENGTH
    return Reason.INVITATION if event.organizer_self is False else None


# What the event itself is: no rule on destinations changes these.
_OF_THE_EVENT = frozenset(
    {
        Reason.EVENT_TYPE,
        Reason.INVITATION,
        Reason.PRIVATE,
        Reason.FREE_BUSY_ONLY,
        Reason.DECLINED,
        Reason.CANCELLED,
        Reason.ZERO_LENGTH,
        Reason.NOT_UNDERSTOOD,
        Reason.NO_END,
    }
)


def judge(window: Window, policy: Policy = DEFAULT, line: LineContext = ANY_LINE) -> Window:
    """Apply the rules of now to a window, also to one judged earlier by other rules.

    Idempotent: judging a judged window again by the same rules changes nothing.
    """
    if window.value is None:
        reading = Reading(window.kind, None, window.reason, window.suggestion)
        verdict = decide(reading, policy, line)
        return replace(window, allowed=False, suggestion=verdict.suggestion)
    if window.reason in _OF_THE_EVENT and not window.accepted_invitation:
        return window
    if window.reason in _OF_THE_EVENT - {Reason.INVITATION}:
        return window
    if window.accepted_invitation and not policy.accept_invitations:
        return replace(window, allowed=False, reason=Reason.INVITATION, suggestion=None)
    reason = decide(Destination(window.kind, window.value), policy, line).reason
    if reason is None and window.end - window.start > policy.max_forward_length:
        reason = Reason.TOO_LONG_FORWARD
    if reason is None and window.allowed and window.suggestion is None:
        return window  # as it was judged before: by far the most
    return replace(window, allowed=reason is None, reason=reason, suggestion=None)


def resolve(time: EventTime, calendar_zone: str) -> datetime | None:
    """Answer the UTC instant; a whole day begins at midnight in the calendar's zone.

    None when the time says nothing at all. Raises UnknownZone.
    """
    if time.day is not None:
        return zones.start_of_day(time.day, calendar_zone)
    if time.instant is None:
        return None
    return zones.to_utc(time.instant, time.zone or calendar_zone)
