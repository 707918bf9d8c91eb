"""Making, changing and deleting events, series and single instances."""

from __future__ import annotations

import re
import secrets
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .clock import rfc3339
from .errors import ApiError, bad_request, not_found
from .model import Calendar, Json, StoredEvent
from .recurrence import (
    SIX_MONTHS,
    check_recurrence,
    event_span,
    instant_of,
    occurrences,
    parse_instant,
)
from .state import State
from .view import moment, original_start, stamp

_ID = re.compile(r"[a-v0-9]{5,1024}")
_INSTANCE = re.compile(r"(.+)_(\d{8}(?:T\d{6}Z)?)")
_READ_ONLY = (
    "kind",
    "etag",
    "htmlLink",
    "created",
    "updated",
    "creator",
    "recurringEventId",
    "originalStartTime",
    "hangoutLink",
    "locked",
    "attendeesOmitted",
)


def insert(state: State, calendar: Calendar, email: str, given: Json) -> StoredEvent:
    """Make an event from a request body; ApiError where Google would refuse."""
    body = {name: value for name, value in given.items() if name not in _READ_ONLY}
    event_id = body.get("id") or secrets.token_hex(13)
    if not _ID.fullmatch(event_id):
        raise bad_request("Invalid resource id value.")
    if event_id in calendar.events:
        raise ApiError(409, "duplicate", "The requested identifier already exists.")
    now = rfc3339(state.now())
    body = {
        "id": event_id,
        "status": "confirmed",
        "htmlLink": f"/calendar/event?eid={event_id}",
        "created": now,
        "updated": now,
        "creator": {"email": email},
        "organizer": _own_organizer(calendar),
        "iCalUID": f"{event_id}@google.com",
        "sequence": 0,
        "eventType": "default",
        "reminders": {"useDefault": True},
    } | body
    _check(body, calendar)
    return state.put_event(calendar, body)


def patch(state: State, calendar: Calendar, event_id: str, changes: Json) -> StoredEvent:
    """Merge a change into an event; null takes a field away, lists are replaced."""
    stored = changeable(calendar, event_id)
    allowed = {name: value for name, value in changes.items() if name not in _READ_ONLY}
    return _replace(state, calendar, stored, _merge(stored.body, allowed))


def update(state: State, calendar: Calendar, event_id: str, given: Json) -> StoredEvent:
    """Replace an event by a whole new body."""
    stored = changeable(calendar, event_id)
    kept = (*_READ_ONLY, "id", "organizer", "iCalUID", "sequence", "eventType")
    body = {name: value for name, value in stored.body.items() if name in kept}
    body |= {"status": "confirmed", "reminders": {"useDefault": True}}
    body |= {name: value for name, value in given.items() if name not in _READ_ONLY}
    body["id"] = stored.body["id"]
    return _replace(state, calendar, stored, body)


def delete(state: State, calendar: Calendar, event_id: str) -> None:
    """Delete an event, a whole series, or one instance of it; twice is 410 `deleted`."""
    stored = changeable(calendar, event_id)
    body = {**stored.body, "status": "cancelled", "updated": rfc3339(state.now())}
    if "recurrence" in body:
        state.drop_exceptions(calendar, stored.id)
    state.put_event(calendar, body)


def find(calendar: Calendar, event_id: str) -> StoredEvent:
    """An event, exception, or the virtual instance of a series; ApiError 404 for neither."""
    if event_id in calendar.events:
        return calendar.events[event_id]
    named = _INSTANCE.fullmatch(event_id)
    series = calendar.events.get(named[1]) if named else None
    if named is None or series is None or "recurrence" not in series.body:
        raise not_found()
    zone = ZoneInfo(calendar.time_zone)
    try:
        wanted = instant_of(original_start(named[2]), zone)
    except ValueError:
        raise not_found() from None
    for one in occurrences(series.body, zone, until=wanted + timedelta(seconds=1)):
        if one.key == named[2]:
            start = moment(one.start, series.body["start"])
            body = {
                **{name: value for name, value in series.body.items() if name != "recurrence"},
                "id": event_id,
                "recurringEventId": series.id,
                "originalStartTime": start,
                "start": start,
                "end": moment(one.end, series.body["end"]),
            }
            return StoredEvent(body, series.seq)
    raise not_found()


def changeable(calendar: Calendar, event_id: str) -> StoredEvent:
    """As `find`, but what is deleted cannot be changed."""
    stored = find(calendar, event_id)
    if stored.cancelled:
        raise ApiError(410, "deleted", "Resource has been deleted")
    return stored


def _replace(state: State, calendar: Calendar, old: StoredEvent, body: Json) -> StoredEvent:
    body["updated"] = rfc3339(state.now())
    body["sequence"] = int(body.get("sequence", 0)) + 1
    if body.get("status") == "cancelled":
        delete(state, calendar, str(body["id"]))
        return calendar.events[str(body["id"])]
    _check(body, calendar)
    if "recurrence" not in old.body:
        return state.put_event(calendar, body)
    before, left = (_coming(state, calendar, one) for one in (old.body, body))
    gone = [(key, seq) for key, seq in old.gone if key not in left]
    gone += [(key, calendar.seq + 1) for key in before if key not in left]
    stored = state.put_event(calendar, body, gone)
    _cancel_orphans(state, calendar, stored)
    return stored


def _coming(state: State, calendar: Calendar, body: Json) -> dict[str, None]:
    """The instances of the coming six months, by key, in order: what an edit can take away."""
    if "recurrence" not in body:
        return {}
    zone, now = ZoneInfo(calendar.time_zone), state.now()
    return {
        one.key: None
        for one in occurrences(body, zone, until=now + SIX_MONTHS)
        if instant_of(one.end, zone) > now - timedelta(days=1)
    }


def _cancel_orphans(state: State, calendar: Calendar, series: StoredEvent) -> None:
    """Changed instances end where an edit of the series takes their original start away."""
    for event_id in sorted(calendar.exceptions.get(series.id, ())):
        changed = calendar.events[event_id]
        if not changed.cancelled and not _belongs(calendar, series, event_id):
            body = {**changed.body, "status": "cancelled", "updated": rfc3339(state.now())}
            state.put_event(calendar, body)


def _belongs(calendar: Calendar, series: StoredEvent, event_id: str) -> bool:
    if "recurrence" not in series.body:
        return False
    key = event_id.rpartition("_")[2]
    zone = ZoneInfo(calendar.time_zone)
    after = instant_of(original_start(key), zone) + timedelta(seconds=1)
    return any(one.key == key for one in occurrences(series.body, zone, until=after))


def _merge(old: Json, changes: Json) -> Json:
    merged = dict(old)
    for name, value in changes.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merge(merged[name], value)
        else:
            merged[name] = value
    return merged


def _own_organizer(calendar: Calendar) -> Json:
    return {"email": calendar.id, "displayName": calendar.summary}


def _check(body: Json, calendar: Calendar) -> None:
    for name in ("start", "end"):
        if not isinstance(body.get(name), dict):
            raise ApiError(400, "required", f"Missing {name} time.")
        body[name] = _clean_time(body[name], name, calendar, "recurrence" in body)
    if ("date" in body["start"]) != ("date" in body["end"]):
        raise bad_request("Start and end times must either both be date or both be dateTime.")
    zone = ZoneInfo(calendar.time_zone)
    start, end = event_span(body, zone)
    all_day = not isinstance(start, datetime)
    if instant_of(end, zone) < instant_of(start, zone) or (all_day and start == end):
        raise bad_request("The specified time range is empty.", reason="timeRangeEmpty")
    if "recurrence" in body:
        if not body["recurrence"]:
            del body["recurrence"]
        else:
            check_recurrence(body, zone)


def _clean_time(given: Json, name: str, calendar: Calendar, recurring: bool) -> Json:
    """A start or end with its null fields gone and its clock time with an offset."""
    field: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if ("date" in field) == ("dateTime" in field):
        raise bad_request(f"Invalid {name} time.")
    try:
        if "date" in field:
            return {"date": date.fromisoformat(field["date"]).isoformat()}
        zone = ZoneInfo(field.get("timeZone") or calendar.time_zone)
        given_time = datetime.fromisoformat(field["dateTime"])
        if given_time.tzinfo is None and "timeZone" not in field:
            raise bad_request(f"Missing time zone definition for {name} time.", reason="required")
        if recurring and "timeZone" not in field:
            raise bad_request(f"Missing time zone definition for {name} time.", reason="required")
        instant = parse_instant(field["dateTime"], zone)
    except (ValueError, ZoneInfoNotFoundError, TypeError) as error:
        raise bad_request(f"Invalid value for {name} time.") from error
    return {"dateTime": stamp(instant, zone), "timeZone": zone.key}
