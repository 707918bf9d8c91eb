"""The calendarList and calendars resources of the Calendar API."""

from __future__ import annotations

from . import params
from .errors import bad_request, not_found, sync_token_gone
from .gate import Call
from .model import ROLES, Account, Calendar, Json, ListEntry
from .tokens import digest, seal, unseal
from .view import etag


def list_calendars(call: Call) -> Json:
    """One page of the account's calendar list, or of what changed there."""
    account, given = call.account, call.params
    hidden = bool(params.flag(given, "showHidden"))
    deleted = bool(params.flag(given, "showDeleted"))
    lowest = given.get("minAccessRole", "")
    if lowest and (lowest not in ROLES or "syncToken" in given):
        raise bad_request("Bad Request", reason="badRequest", parameter="minAccessRole")
    since = 0
    if token := given.get("syncToken"):
        sealed = unseal(token, 3)
        if sealed is None or sealed[:2] != ["c", _audience(account)]:
            raise sync_token_gone()
        since, hidden, deleted = int(sealed[2]), True, True
    shown = []
    for calendar_id, entry in account.entries.items():
        calendar = call.server.state.calendars.get(calendar_id)
        role = calendar.role(account.email) if calendar else "none"
        if entry.seq <= since or (entry.hidden and not hidden):
            continue
        if entry.deleted or calendar is None or role == "none":
            if deleted:
                shown.append(_gone(calendar_id, entry))
        elif not lowest or ROLES.index(role) >= ROLES.index(lowest):
            shown.append(_entry(call, calendar, entry, role))
    return _paged(call, account, shown)


def _paged(call: Call, account: Account, shown: list[Json]) -> Json:
    size = params.number(call.params, "maxResults", 100, most=250)
    if call.server.faults.rules:
        for rule in call.faults("page_size"):
            size = min(size, int(rule.options.get("size", 1)))
        if call.faults("empty_page"):
            size = 0
    start = 0
    if token := call.params.get("pageToken"):
        sealed = unseal(token, 2)
        if sealed is None or sealed[0] != "l":
            raise bad_request("Invalid page token value.", parameter="pageToken")
        start = int(sealed[1])
    answer: Json = {"kind": "calendar#calendarList", "etag": etag(account.list_seq)}
    if start + size < len(shown) or size == 0:
        answer["nextPageToken"] = seal("l", start + size)
    else:
        answer["nextSyncToken"] = seal("c", _audience(account), account.list_seq)
    answer["items"] = shown[start : start + size]
    return answer


def get_entry(call: Call) -> Json:
    """One calendar as it stands on the account's list."""
    calendar, role = call.calendar()
    entry = call.account.entries.get(calendar.id)
    if entry is None or entry.deleted:
        raise not_found()
    return _entry(call, calendar, entry, role)


def get_calendar(call: Call) -> Json:
    """One calendar's own data."""
    calendar, _ = call.calendar()
    answer: Json = {
        "kind": "calendar#calendar",
        "etag": etag(calendar.seq),
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    }
    if calendar.description:
        answer["description"] = calendar.description
    if calendar.owner and calendar.owner != calendar.id:
        answer["dataOwner"] = calendar.owner
    return answer


def _audience(account: Account) -> str:
    return digest(account.sub, account.list_epoch)


def _gone(calendar_id: str, entry: ListEntry) -> Json:
    return {
        "kind": "calendar#calendarListEntry",
        "etag": etag(entry.seq),
        "id": calendar_id,
        "deleted": True,
    }


def _entry(call: Call, calendar: Calendar, entry: ListEntry, role: str) -> Json:
    answer: Json = {
        "kind": "calendar#calendarListEntry",
        "etag": etag(entry.seq),
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "colorId": "7",
        "backgroundColor": "#42d692",
        "foregroundColor": "#000000",
        "selected": entry.selected,
        "accessRole": role,
        "defaultReminders": [],
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    }
    if calendar.description:
        answer["description"] = calendar.description
    if entry.summary_override:
        answer["summaryOverride"] = entry.summary_override
    if entry.hidden:
        answer["hidden"] = True
    if entry.primary:
        answer["primary"] = True
    elif calendar.owner and calendar.owner != calendar.id:
        answer["dataOwner"] = calendar.owner
    return answer
