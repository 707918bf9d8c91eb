"""The coming appointments, judged by the rules of now."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime

from ...domain.destination import Kind
from ...domain.policy import LineContext, Policy
from ...domain.reasons import severity
from ...domain.schedule import Window
from ...store.tables import Calendar, WindowRow
from ..runtime import Runtime
from ..switching.board import judged as judged_row
from .models import EventView
from .names import Names

GOOGLE_API = "https://www.googleapis.com"
GOOGLE_CALENDAR = "https://calendar.google.com"


def judged(rows: Iterable[WindowRow], policy: Policy, line: LineContext) -> list[Window]:
    """The rows with the verdict of now: a rule may have changed since they were read."""
    return [judged_row(row, policy, line) for row in rows]


def event_view(
    window: Window,
    names: Names,
    now: datetime,
    *,
    url: str = "",
    held_until: datetime | None = None,
) -> EventView:
    """One appointment for the page; nothing forwards that ends by `held_until`."""
    destination = (
        names.view(window.kind, window.value)
        if window.value is not None and window.kind is not Kind.NONE
        else None
    )
    return EventView(
        event_id=window.event_id,
        start=window.start,
        end=window.end,
        all_day=window.all_day,
        destination=destination,
        reason=window.reason,
        severity=severity(window.reason) if window.reason else None,
        suggestion=window.suggestion,
        running=window.start <= now < window.end,
        url=url,
        held=held_until is not None and window.reason is None and window.end <= held_until,
    )


def calendar_root(rt: Runtime) -> str:
    """Where people look at their calendar: Google's own, or the local stand-in's."""
    root = rt.settings.google_api_root
    return GOOGLE_CALENDAR if root == GOOGLE_API else root


def calendar_settings_url(rt: Runtime) -> str:
    """Where the owner of a calendar sets its time zone; the local stand-in has no such page."""
    root = calendar_root(rt)
    return f"{root}/calendar/r/settings" if root == GOOGLE_CALENDAR else root


def event_url(rt: Runtime, calendar: Calendar, event_id: str) -> str:
    """The appointment's own page at Google."""
    pair = f"{event_id} {calendar.google_id}".encode()
    eid = base64.urlsafe_b64encode(pair).decode().rstrip("=")
    return f"{calendar_root(rt)}/calendar/event?eid={eid}"
