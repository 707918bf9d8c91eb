"""Asking for one calendar's changes, page by page. Talks to Google only: no database in here."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime

from ..domain.schedule import CalendarEvent, EventTime, Window, event_window, resolve
from ..ports import AccessToken, CalendarError, CalendarSource, EventsPage, SyncTokenExpired
from ..store.queries_calendar import Claim

MOST_PAGES = 1000
"""A calendar that goes on for longer than this is given up on, until its next turn."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gone:
    """An event that is no more, or no longer within what we keep."""

    event_id: str
    series_id: str | None = None
    original_start: datetime | None = None
    cancelled: bool = True


@dataclass(slots=True)
class Fetched:
    """What a calendar said. `complete` once the last page was read; only then may it be stored."""

    claim: Claim
    full: bool
    until: datetime
    """How far ahead events are kept."""
    windows: dict[str, Window] = field(default_factory=dict)
    gone: dict[str, Gone] = field(default_factory=dict)
    time_zone: str = ""
    access_role: str = ""
    next_page: str | None = None
    sync_token: str | None = None
    requests: int = 0

    @property
    def complete(self) -> bool:
        return self.sync_token is not None


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a calendar is kept: events that end after `since` and start before `until`."""

    since: datetime
    until: datetime
    listing: tuple[datetime, datetime]
    """The window of a full listing."""


def first_page(
    source: CalendarSource, access: AccessToken, claim: Claim, scope: Scope, *, full: bool
) -> Fetched:
    """Begin: a delta, or the whole window.

    A token that expired, or that Google cannot make anything of (400, as after a change in what
    we ask for), turns the one into the other.
    """
    if not full and claim.sync_token is not None:
        begun = Fetched(claim, full=False, until=scope.until)
        try:
            page = source.events(access, claim.google_id, sync_token=claim.sync_token)
        except CalendarError as error:
            if not refuses_token(error):
                raise
            log.info("calendar %s: no delta (%s), listing anew", claim.id, error.reason)
        else:
            _take(begun, page, scope, known=None)
            return begun
    begun = Fetched(claim, full=True, until=scope.listing[1])
    page = source.events(access, claim.google_id, window=scope.listing)
    _take(begun, page, scope, known=None)
    return begun


def refuses_token(error: CalendarError) -> bool:
    """Whether a delta was refused for what its token is: without it the window can be listed."""
    return isinstance(error, SyncTokenExpired) or (error.permanent and error.status == 400)


def other_pages(
    source: CalendarSource,
    access: AccessToken,
    begun: Fetched,
    scope: Scope,
    known: frozenset[str] | None,
) -> Fetched:
    """Read on to the last page.

    `known` are the events and series that are stored. With them a delta that runs decades ahead
    (one edit of an endless series) keeps no more than the horizon holds.
    """
    while begun.next_page is not None:
        if begun.requests >= MOST_PAGES:
            raise CalendarError("there is no end to the pages", reason="endless")
        page = source.events(
            access,
            begun.claim.google_id,
            sync_token=None if begun.full else begun.claim.sync_token,
            window=scope.listing if begun.full else None,
            page_token=begun.next_page,
        )
        _take(begun, page, scope, known)
    return begun


def _take(begun: Fetched, page: EventsPage, scope: Scope, known: frozenset[str] | None) -> None:
    begun.requests += 1
    begun.time_zone = page.time_zone or begun.time_zone or begun.claim.time_zone
    begun.access_role = page.access_role or begun.access_role or begun.claim.access_role
    for event in page.events:
        _take_event(begun, event, scope)
    if known is not None and not begun.full:
        begun.gone = {key: gone for key, gone in begun.gone.items() if _touches(gone, known)}
    begun.next_page = page.next_page_token
    begun.sync_token = page.next_sync_token if page.next_page_token is None else None


def _touches(gone: Gone, known: frozenset[str]) -> bool:
    if gone.event_id in known:
        return True
    return gone.cancelled and gone.series_id is not None and gone.series_id in known


def _take_event(begun: Fetched, event: CalendarEvent, scope: Scope) -> None:
    """Keep the event's last word; an event that cannot be read does not hold up the others."""
    begun.windows.pop(event.id, None)
    begun.gone.pop(event.id, None)
    window = _window(begun, event)
    if window is not None and window.end > scope.since and window.start < begun.until:
        begun.windows[event.id] = window
    elif not begun.full:
        begun.gone[event.id] = Gone(
            event.id,
            event.recurring_event_id,
            _instant(event.original_start, begun.time_zone),
            cancelled=event.status == "cancelled",
        )


def _window(begun: Fetched, event: CalendarEvent) -> Window | None:
    try:
        return event_window(event, calendar_zone=begun.time_zone, access_role=begun.access_role)
    except (ArithmeticError, ValueError) as error:
        log.warning(
            "calendar %s: event %s was left out: %s",
            begun.claim.id,
            event.id,
            type(error).__name__,
        )
        return None


def _instant(time: EventTime | None, zone: str) -> datetime | None:
    if time is None:
        return None
    try:
        return resolve(time, zone)
    except (ArithmeticError, ValueError):
        return None
