"""Google's event resources as plain values: only what decides on a forward is asked for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from ..domain.schedule import CalendarEvent, EventTime
from ..ports import CalendarInfo

log = logging.getLogger(__name__)

FIELDS = (
    "nextPageToken,nextSyncToken,timeZone,accessRole,"
    "items(id,status,summary,start,end,recurringEventId,originalStartTime,eventType,visibility,"
    "endTimeUnspecified,organizer(email,self),attendees(self,responseStatus))"
)
"""The same for every list call of a sync, as Google demands. The organiser's address is asked for
beside `self`, since an organiser without `self` must not look like a missing one."""

_SEES_PRIVATE = frozenset({"owner", "writer"})
_HIDDEN = frozenset({"private", "confidential"})


def _time(value: Mapping[str, Any] | None) -> EventTime | None:
    if not value:
        return None
    zone = value.get("timeZone")
    if value.get("date"):
        return EventTime(day=date.fromisoformat(value["date"]), zone=zone)
    if value.get("dateTime"):
        return EventTime(instant=datetime.fromisoformat(value["dateTime"]), zone=zone)
    return None


def _own_answer(attendees: Any) -> str | None:
    for attendee in attendees or ():
        if attendee.get("self"):
            answer = attendee.get("responseStatus")
            return str(answer) if answer is not None else None
    return None


def read_event(item: Mapping[str, Any], access_role: str) -> CalendarEvent | None:
    """One item of an answer; None where it does not even say which event it is.

    An item whose times cannot be read comes back without times: it forwards nothing, and it does
    not keep the calendar's other events from being read.
    """
    event_id = item.get("id")
    if not isinstance(event_id, str) or not event_id:
        log.warning("an item without an id was left out")
        return None
    try:
        return _read(item, event_id, access_role)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        log.warning("event %s cannot be read: %s", event_id, type(error).__name__)
        return CalendarEvent(id=event_id)


def _read(item: Mapping[str, Any], event_id: str, access_role: str) -> CalendarEvent:
    organizer = item.get("organizer")
    visibility = item.get("visibility")
    title = item.get("summary")
    hidden = title is None and visibility in _HIDDEN and access_role not in _SEES_PRIVATE
    return CalendarEvent(
        id=event_id,
        status=item.get("status", "confirmed"),
        title=title if title is None or isinstance(title, str) else str(title),
        start=_time(item.get("start")),
        end=_time(item.get("end")),
        recurring_event_id=item.get("recurringEventId"),
        original_start=_time(item.get("originalStartTime")),
        event_type=item.get("eventType", "default"),
        organizer_self=None if organizer is None else bool(organizer.get("self", False)),
        self_response=_own_answer(item.get("attendees")),
        visibility=visibility,
        title_hidden=hidden,
        end_unspecified=bool(item.get("endTimeUnspecified", False)),
    )


def read_calendar(item: Mapping[str, Any]) -> CalendarInfo:
    """One entry of the calendar list, under the name that the person gave it."""
    return CalendarInfo(
        id=item["id"],
        name=item.get("summaryOverride") or item.get("summary") or item["id"],
        time_zone=item.get("timeZone", "UTC"),
        access_role=item.get("accessRole", "none"),
        primary=bool(item.get("primary", False)),
        owner=item.get("dataOwner", ""),
        colour=item.get("backgroundColor", ""),
    )
