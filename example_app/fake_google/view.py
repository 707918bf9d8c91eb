"""How an event looks to one account: what its role hides, who `self` is, in which zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from .model import DETAIL_ROLES, Calendar, Json, StoredEvent
from .recurrence import Occurrence, event_span, parse_instant

_BUSY_ONLY = (
    "id",
    "status",
    "created",
    "updated",
    "start",
    "end",
    "recurrence",
    "recurringEventId",
    "originalStartTime",
    "transparency",
    "iCalUID",
    "sequence",
    "eventType",
)


@dataclass(frozen=True, slots=True)
class Lens:
    """Through which an account sees a calendar's events."""

    calendar: Calendar
    role: str
    zone: ZoneInfo
    max_attendees: int | None = None
    url: str = ""


def etag(seq: int) -> str:
    """The entity tag of something last touched by change `seq`."""
    return f'"{3_500_000_000_000_000 + seq}"'


def show(stored: StoredEvent, lens: Lens) -> Json:
    """A single event, series or exception."""
    body = stored.body
    if stored.cancelled:
        return tombstone(stored, body)
    return _dress(stored, dict(body), lens)


def show_instance(stored: StoredEvent, occurrence: Occurrence, lens: Lens) -> Json:
    """One instance of a series."""
    body = {name: value for name, value in stored.body.items() if name != "recurrence"}
    original = stored.body["start"]
    body["id"] = f"{stored.id}_{occurrence.key}"
    body["recurringEventId"] = stored.id
    body["start"] = moment(occurrence.start, original)
    body["end"] = moment(occurrence.end, stored.body["end"])
    body["originalStartTime"] = body["start"]
    if stored.cancelled:
        return tombstone(stored, body)
    return _dress(stored, body, lens)


def show_gone(stored: StoredEvent, key: str) -> Json:
    """The tombstone of an instance that its series no longer has."""
    body = {
        "id": f"{stored.id}_{key}",
        "recurringEventId": stored.id,
        "originalStartTime": moment(original_start(key), stored.body["start"]),
    }
    return tombstone(stored, body)


def tombstone(stored: StoredEvent, body: Json) -> Json:
    """The least that Google promises of something deleted: its id, and which instance it was."""
    kept = ("id", "recurringEventId", "originalStartTime")
    return {
        "kind": "calendar#event",
        "etag": etag(stored.seq),
        "status": "cancelled",
        **{name: body[name] for name in kept if name in body},
    }


def original_start(key: str) -> datetime | date:
    """Back from an instance key to the moment it names; ValueError when it names none."""
    if "T" in key:
        return datetime.strptime(key, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return date.fromisoformat(key)


def moment(value: datetime | date, like: Json) -> Json:
    """A start or end in Google's shape, in the zone of the field it is derived from."""
    if not isinstance(value, datetime):
        return {"date": value.isoformat()}
    zone = ZoneInfo(like.get("timeZone", "UTC"))
    shown = {"dateTime": stamp(value, zone)}
    return {**shown, "timeZone": like["timeZone"]} if "timeZone" in like else shown


def stamp(value: datetime, zone: ZoneInfo) -> str:
    """An instant with the zone's offset; UTC is written `Z`."""
    return value.astimezone(zone).isoformat(timespec="seconds").replace("+00:00", "Z")


def _dress(stored: StoredEvent, body: Json, lens: Lens) -> Json:
    secret = body.get("visibility") in ("private", "confidential")
    if lens.role not in DETAIL_ROLES and (lens.role == "freeBusyReader" or secret):
        body = {name: body[name] for name in _BUSY_ONLY if name in body}
        if secret:
            body["visibility"] = "private"
    else:
        _people(body, lens)
    for name in ("start", "end", "originalStartTime"):
        if "dateTime" in body.get(name, {}):
            body[name] = _in_zone(body[name], lens.zone)
    if "htmlLink" in body:
        body["htmlLink"] = f"{lens.url}/calendar/event?eid={body['id']}"
    return {"kind": "calendar#event", "etag": etag(stored.seq), **body}


def _in_zone(field: Json, zone: ZoneInfo) -> Json:
    own = ZoneInfo(field.get("timeZone") or zone.key)
    return {**field, "dateTime": stamp(parse_instant(field["dateTime"], own), zone)}


def _people(body: Json, lens: Lens) -> None:
    me = lens.calendar.id
    for name in ("organizer", "creator"):
        if name in body and body[name].get("email") == me:
            body[name] = {**body[name], "self": True}
    attendees = body.get("attendees")
    if attendees is None:
        return
    shown = [{**one, "self": True} if one.get("email") == me else one for one in attendees]
    if lens.max_attendees is not None and len(shown) > lens.max_attendees:
        shown = [one for one in shown if one.get("self")]
        body["attendeesOmitted"] = True
    body["attendees"] = shown


def span(stored: StoredEvent, zone: ZoneInfo) -> tuple[datetime | date, datetime | date]:
    """The stored event's own start and end."""
    return event_span(stored.body, zone)
