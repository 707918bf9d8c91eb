"""The demonstration's people and calendars, with events relative to today."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from . import editing
from .model import Account, Calendar, Json
from .people import new_account, new_calendar
from .state import State

_GROUP = "group.calendar.google.example"
_ZONE = ZoneInfo("Europe/Amsterdam")
HOLIDAYS = "nl.dutch#holiday@group.v.calendar.google.example"


def fill(state: State) -> None:
    """Three people; the bakery and the dentist see each other's planning in part."""
    jan = new_account(state, "jan@bakkerij-jansen.example", "Jan Jansen")
    dentist = new_account(state, "praktijk@tandarts-devries.example", "Tandarts De Vries")
    private = new_account(state, "jan.prive@gmail.example", "Jan Jansen (privé)")
    today = state.now().astimezone(_ZONE).date()
    _bakery(state, jan, today)
    _dentist(state, dentist, today)
    _private(state, private, today)
    _shared(state, jan, dentist, private, today)
    for account in (jan, dentist, private):
        _invitation(state, state.calendars[account.email], today)


def _bakery(state: State, jan: Account, today: date) -> None:
    calendar = new_calendar(state, jan, f"c_bereikbaarheid-bakkerij@{_GROUP}", "Bereikbaarheid")
    _forwards(state, calendar, today, evening="0612345678", other="020-1234567")
    _add(state, calendar, "333", _at(today, 3, 13), _at(today, 3, 17))
    own = state.calendars[jan.email]
    _add(state, own, "Overleg met de molenaar", _at(today, 1, 10), _at(today, 1, 11))
    _add(
        state,
        own,
        "Broodjes bezorgen",
        _at(today, 2, 6),
        _at(today, 2, 8),
        recurrence=["RRULE:FREQ=WEEKLY"],
    )


def _dentist(state: State, dentist: Account, today: date) -> None:
    calendar = new_calendar(state, dentist, f"c_spoeddienst-tandarts@{_GROUP}", "Spoeddienst")
    _forwards(state, calendar, today, evening="06 87654321", other="(030) 123 45 67")
    saturday = today + timedelta(days=(5 - today.weekday()) % 7 or 7)
    _all_day(state, calendar, "+31 (0)6 22334455", saturday, 2)
    own = state.calendars[dentist.email]
    _add(state, own, "Praktijkvergadering", _at(today, 1, 12), _at(today, 1, 13))
    _add(
        state, own, "Gesprek personeel", _at(today, 2, 15), _at(today, 2, 16), visibility="private"
    )


def _private(state: State, jan: Account, today: date) -> None:
    own = state.calendars[jan.email]
    _add(
        state,
        own,
        "Sportschool",
        _at(today, 1, 19),
        _at(today, 1, 20),
        recurrence=["RRULE:FREQ=WEEKLY;COUNT=20"],
    )
    calendar = new_calendar(state, jan, f"c_bereikbaar-prive@{_GROUP}", "Bereikbaar privé")
    _forwards(state, calendar, today, evening="0633445566", other="085-1234567")


def _shared(state: State, jan: Account, dentist: Account, private: Account, today: date) -> None:
    """Calendars that an account sees but does not own: read, free/busy only, holidays."""
    for name, owner, readers in (
        ("bakkerij", jan, (dentist, private)),
        ("praktijk", dentist, (jan,)),
    ):
        rota = new_calendar(
            state,
            owner,
            f"c_rooster-{name}@{_GROUP}",
            f"Rooster {name}",
            acl={reader.email: "reader" for reader in readers},
        )
        _add(state, rota, "0655667788", _at(today, 2, 9), _at(today, 2, 17))
        _add(
            state,
            rota,
            "Functioneringsgesprek",
            _at(today, 4, 9),
            _at(today, 4, 10),
            visibility="private",
        )
        busy = new_calendar(
            state,
            owner,
            f"c_bezet-{name}@{_GROUP}",
            f"Afspraken {owner.name}",
            acl={reader.email: "freeBusyReader" for reader in readers},
        )
        _add(state, busy, "0611223344", _at(today, 1, 9), _at(today, 1, 12))
    everybody = {account.email: "reader" for account in (jan, dentist, private)}
    holidays = new_calendar(
        state, None, HOLIDAYS, "Feestdagen in Nederland", acl=everybody, push=False
    )
    for year in (today.year, today.year + 1):
        for name, month, day in (
            ("Nieuwjaarsdag", 1, 1),
            ("Koningsdag", 4, 27),
            ("Eerste Kerstdag", 12, 25),
            ("Tweede Kerstdag", 12, 26),
        ):
            _all_day(state, holidays, name, date(year, month, day), 1)


def _forwards(state: State, calendar: Calendar, today: date, *, evening: str, other: str) -> None:
    """A week as people really type it: good numbers, and a few that need a word of help."""
    monday = today - timedelta(days=today.weekday())
    _add(
        state,
        calendar,
        evening,
        _at(monday, 0, 18),
        _at(monday, 1, 8),
        recurrence=["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH"],
    )
    _add(state, calendar, other, _at(today, 1, 9), _at(today, 1, 12, 30))
    _add(state, calendar, "0612345678 Jan", _at(today, 2, 12), _at(today, 2, 13))
    _add(state, calendar, "0900-8844", _at(today, 3, 9), _at(today, 3, 10))
    _add(state, calendar, "Teamoverleg", _at(today, 1, 14), _at(today, 1, 15))
    _add(state, calendar, "+31687654321", _at(today, 5, 8), _at(today, 5, 17))


def _invitation(state: State, calendar: Calendar, today: date) -> None:
    """A stranger's invitation whose title is a number: it must never forward."""
    stranger = {"email": "verkoper@onbekend.example", "displayName": "Een verkoper"}
    _add(
        state,
        calendar,
        "0698765432",
        _at(today, 1, 16),
        _at(today, 1, 17),
        organizer=stranger,
        attendees=[
            {**stranger, "organizer": True, "responseStatus": "accepted"},
            {"email": calendar.id, "responseStatus": "needsAction"},
        ],
    )


def _at(day: date, after: int, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day + timedelta(days=after), time(hour, minute), tzinfo=_ZONE)


def _add(
    state: State, calendar: Calendar, title: str, start: datetime, end: datetime, **given: object
) -> None:
    body: Json = {
        "summary": title,
        "start": {"dateTime": start.isoformat(), "timeZone": _ZONE.key},
        "end": {"dateTime": end.isoformat(), "timeZone": _ZONE.key},
        **given,
    }
    editing.insert(state, calendar, calendar.owner or calendar.id, body)


def _all_day(state: State, calendar: Calendar, title: str, day: date, days: int) -> None:
    after = day + timedelta(days=days)
    body = {
        "summary": title,
        "start": {"date": day.isoformat()},
        "end": {"date": after.isoformat()},
    }
    editing.insert(state, calendar, calendar.owner or calendar.id, body)
