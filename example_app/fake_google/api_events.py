"""The events resource of the Calendar API."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from . import editing, params, view
from .errors import ApiError, bad_request, sync_token_gone
from .gate import Call
from .listing import Query, instances, rows
from .model import WRITING_ROLES, Calendar, Json
from .tokens import Cursor, digest, seal, unseal

_NOT_WITH_SYNC_TOKEN = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMin",
    "timeMax",
    "updatedMin",
)
_NO_SYNC_AFTER = tuple(name for name in _NOT_WITH_SYNC_TOKEN if name not in ("timeMin", "timeMax"))
_SAME_AS_FIRST = ("singleEvents", "maxAttendees", "showHiddenInvitations", "fields")


def list_events(call: Call) -> Json:
    """One page of a calendar's events, or of what changed since a sync token."""
    calendar, role = call.calendar()
    given = call.params
    query = _query(call, calendar, role)
    repeated = digest(
        sorted((k, v) for k, v in given.items() if k not in ("pageToken", "maxResults"))
    )
    cursor, offset = _cursor(call, calendar, query, repeated)
    size = params.number(given, "maxResults", 250, most=2_500)
    if call.server.faults.rules:
        for rule in call.faults("page_size"):
            size = min(size, int(rule.options.get("size", 1)))
        if call.faults("empty_page"):
            size = 0
    lens = _lens(call, calendar, role)
    answer = _envelope(calendar, role, call)
    page = cursor.rows[offset : offset + size]
    if offset + size < len(cursor.rows) or size == 0:
        call.server.cursors.keep(repeated, cursor)
        answer["nextPageToken"] = seal("p", repeated, cursor.seq, offset + size)
    elif not any(name in given for name in _NO_SYNC_AFTER):
        answer["nextSyncToken"] = seal(
            "s",
            _audience(call, calendar, role),
            cursor.seq,
            _shape(call),
            int(call.server.state.now().timestamp()),
        )
    answer["items"] = [row.show(lens) for row in page]
    return answer


def list_instances(call: Call) -> Json:
    """One page of the instances of a series."""
    calendar, role = call.calendar()
    series = editing.find(calendar, call.path["event"])
    if "recurrence" not in series.body:
        raise bad_request("The requested event is not a recurring event.")
    given = call.params
    query = Query(
        single=True,
        show_deleted=bool(params.flag(given, "showDeleted")),
        time_min=params.instant(given, "timeMin"),
        time_max=params.instant(given, "timeMax"),
    )
    found = instances(calendar, series, query, call.server.state.now())
    token = given.get("pageToken")
    sealed: list[Any] | None = unseal(token, 2) if token else ["i", 0]
    if sealed is None or sealed[0] != "i":
        raise bad_request("Invalid page token value.", parameter="pageToken")
    size = params.number(given, "maxResults", 250, most=2_500)
    lens = _lens(call, calendar, role)
    answer = _envelope(calendar, role, call)
    start = int(sealed[1])
    if start + size < len(found):
        answer["nextPageToken"] = seal("i", start + size)
    answer["items"] = [row.show(lens) for row in found[start : start + size]]
    return answer


def get(call: Call) -> Json:
    """One event; a deleted one is shown as its tombstone."""
    calendar, role = call.calendar()
    return view.show(editing.find(calendar, call.path["event"]), _lens(call, calendar, role))


def insert(call: Call) -> Json:
    """Make an event."""
    calendar, role = _writable(call)
    stored = editing.insert(call.server.state, calendar, call.account.email, call.body)
    return view.show(stored, _lens(call, calendar, role))


def import_event(call: Call) -> Json:
    """Make a private copy of an event that exists elsewhere, organizer included."""
    calendar, role = _writable(call)
    if "iCalUID" not in call.body:
        raise ApiError(400, "required", "Missing iCalUID.")
    for known in list(calendar.events.values()):
        if known.body.get("iCalUID") == call.body["iCalUID"] and not known.cancelled:
            stored = editing.update(call.server.state, calendar, known.id, call.body)
            break
    else:
        stored = editing.insert(call.server.state, calendar, call.account.email, call.body)
    return view.show(stored, _lens(call, calendar, role))


def patch(call: Call) -> Json:
    """Change some fields of an event, or of one instance."""
    calendar, role = _writable(call)
    _unchanged(call, calendar)
    stored = editing.patch(call.server.state, calendar, call.path["event"], call.body)
    return view.show(stored, _lens(call, calendar, role))


def update(call: Call) -> Json:
    """Replace an event."""
    calendar, role = _writable(call)
    _unchanged(call, calendar)
    stored = editing.update(call.server.state, calendar, call.path["event"], call.body)
    return view.show(stored, _lens(call, calendar, role))


def delete(call: Call) -> None:
    """Delete an event, a series, or one instance."""
    calendar, _ = _writable(call)
    _unchanged(call, calendar)
    editing.delete(call.server.state, calendar, call.path["event"])


def _query(call: Call, calendar: Calendar, role: str) -> Query:
    given = call.params
    token = given.get("syncToken")
    since: int | None = None
    if token is not None:
        for name in _NOT_WITH_SYNC_TOKEN:
            if name in given:
                raise bad_request(f"Sync token cannot be used with {name}.", parameter=name)
        if params.flag(given, "showDeleted") is False:
            raise bad_request(
                "Cannot use showDeleted=false with a sync token.", parameter="showDeleted"
            )
        since = _since(call, calendar, role, token)
    order = given.get("orderBy", "")
    single = bool(params.flag(given, "singleEvents"))
    if order not in ("", "startTime", "updated"):
        raise bad_request("Bad Request", reason="badRequest", parameter="orderBy")
    if order == "startTime" and not single:
        raise bad_request(
            "The requested ordering is not available for the particular query.", parameter="orderBy"
        )
    low, high = params.instant(given, "timeMin"), params.instant(given, "timeMax")
    if low and high and low >= high:
        raise bad_request(
            "The specified time range is empty.", reason="timeRangeEmpty", parameter="timeMax"
        )
    blow_up = bool(call.server.faults.rules) and bool(call.faults("blow_up"))
    return Query(
        single=single,
        show_deleted=bool(params.flag(given, "showDeleted")),
        time_min=low,
        time_max=high,
        updated_min=params.instant(given, "updatedMin"),
        order_by=order,
        text=given.get("q", ""),
        ical_uid=given.get("iCalUID", ""),
        event_types=frozenset(_all(call, "eventTypes")),
        properties=tuple(
            (kind, value)
            for kind in ("private", "shared")
            for value in _all(call, f"{kind}ExtendedProperty")
        ),
        since=since,
        blow_up=blow_up,
    )


def _all(call: Call, name: str) -> list[str]:
    return list(call.request.query.getall(name, []))


def _since(call: Call, calendar: Calendar, role: str, token: str) -> int:
    """The change a sync token stands at; 410 once it is no longer good."""
    sealed = unseal(token, 5)
    if sealed is None or sealed[:2] != ["s", _audience(call, calendar, role)]:
        raise sync_token_gone()
    _, _, seq, shape, issued = sealed
    oldest = call.server.options.sync_token_seconds
    age = call.server.state.now().timestamp() - issued
    if seq > calendar.seq or (oldest and age > oldest):
        raise sync_token_gone()
    if shape != _shape(call):
        raise bad_request(
            "The request parameters are not those of the initial synchronization.",
            parameter="syncToken",
        )
    return int(seq)


def _audience(call: Call, calendar: Calendar, role: str) -> str:
    """Whose token it is; a change of access makes older tokens worthless, as at Google."""
    return digest(calendar.id, calendar.epoch, call.account.email, role)


def _shape(call: Call) -> str:
    same = [call.params.get(name) for name in _SAME_AS_FIRST]
    return digest(same, sorted(_all(call, "eventTypes")))


def _cursor(call: Call, calendar: Calendar, query: Query, repeated: str) -> tuple[Cursor, int]:
    token = call.params.get("pageToken")
    now = call.server.state.now()
    if token is None:
        return Cursor(rows(calendar, query, now), calendar.seq), 0
    sealed = unseal(token, 4)
    if sealed is None or sealed[:2] != ["p", repeated]:
        raise bad_request("Invalid page token value.", parameter="pageToken")
    _, _, seq, offset = sealed
    kept = call.server.cursors.find(repeated, seq)
    return kept or Cursor(rows(calendar, query, now), seq), int(offset)


def _envelope(calendar: Calendar, role: str, call: Call) -> Json:
    answer: Json = {
        "kind": "calendar#events",
        "etag": view.etag(calendar.seq),
        "summary": calendar.summary,
        "updated": view.stamp(call.server.state.now(), ZoneInfo("UTC")),
        "timeZone": calendar.time_zone,
        "accessRole": role,
        "defaultReminders": [],
    }
    if calendar.description:
        answer["description"] = calendar.description
    return answer


def _most(call: Call) -> int | None:
    if "maxAttendees" not in call.params:
        return None
    return params.number(call.params, "maxAttendees", 1, most=10_000)


def _lens(call: Call, calendar: Calendar, role: str) -> view.Lens:
    zone = params.zone(call.params, calendar.time_zone)
    return view.Lens(calendar, role, zone, _most(call), call.server.url)


def _writable(call: Call) -> tuple[Calendar, str]:
    calendar, role = call.calendar()
    if role not in WRITING_ROLES:
        raise ApiError(
            403,
            "requiredAccessLevel",
            "You need to have writer access to this calendar.",
            domain="calendar",
        )
    return calendar, role


def _unchanged(call: Call, calendar: Calendar) -> None:
    """Honour If-Match: somebody else's change in between is 412."""
    wanted = call.request.headers.get("If-Match")
    if wanted is None or wanted == "*":
        return
    if view.etag(editing.find(calendar, call.path["event"]).seq) != wanted:
        raise ApiError(412, "conditionNotMet", "Precondition Failed")
