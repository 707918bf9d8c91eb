"""A year of one extension's calendar, as Google would list it: seeded, and hard on purpose.

`year(seed, zone)` answers single instances (as `singleEvents=true` does) with everything that makes
schedules go wrong: rotas that adjoin and overlap, nights over the change of clocks, whole days,
cancelled instances, invitations, declined and private events, texts, refused numbers.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Item = dict[str, Any]

ZONES = (
    "Europe/Amsterdam",
    "Europe/London",
    "Europe/Dublin",
    "Atlantic/Azores",
    "America/St_Johns",
    "America/New_York",
    "America/Havana",
    "America/Santiago",
    "America/Nuuk",
    "America/Los_Angeles",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "UTC",
)
"""Twenty-five zones: half hours, quarter hours, midnight changes, both sides of the date line."""

FORWARDS = (
    "0612345678",
    "06-12345678",
    " +31 (0)6 12345678 ",
    "0687654321",
    "(020) 123 45 67",
    "0031 20 1234567",
    "088 123 4567",
    "0800-1234",
    "333",
    "444",
    "200",
)
OTHERS = (
    None,
    "",
    "Vergadering",
    "10-12",
    "0612345678 Jan",
    "061234567",
    "0900-8844",
    "0841234567",
    "097010123456",
    "+32471234567",
    "112",
    "9112",
    "101",
    "06\u200b12345678",
    "０６１２３４５６７８",
)


def year(seed: int, zone: str, *, of: int = 2027) -> list[Item]:
    """Answer a year of instances, in no useful order."""
    chance = random.Random(f"{seed} {zone} {of}")
    local = ZoneInfo(zone)
    items: list[Item] = []
    first = date(of, 1, 1)
    while first.year == of:
        items += chance.choice((_rota, _rota, _nights, _days, _loose))(chance, local, first)
        first += timedelta(days=chance.randint(2, 9))
    items += _changes_of_clocks(chance, local, of)
    for number, item in enumerate(items):
        item["id"] = f"e{number}"
        _oddity(chance, item)
    chance.shuffle(items)
    return items


def _timed(local: ZoneInfo, day: date, minutes: int, length: int, title: str | None) -> Item:
    """One event by the wall clock of `local`, as long as clocks on the wall say."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001
    start = wall.replace(tzinfo=local)
    end = (wall + timedelta(minutes=length)).replace(tzinfo=local)
    return _titled(
        title,
        start={"dateTime": start.isoformat(), "timeZone": local.key},
        end={"dateTime": end.isoformat(), "timeZone": local.key},
    )


def _titled(title: str | None, **fields: Any) -> Item:
    item: Item = {"status": "confirmed", "organizer": {"email": "me@example.com", "self": True}}
    if title is not None:
        item["summary"] = title
    return item | fields


def _rota(chance: random.Random, local: ZoneInfo, day: date) -> list[Item]:
    """Shifts that hand over to each other, sometimes overlapping, sometimes with a gap."""
    titles = chance.choices(FORWARDS, k=4)
    slack = chance.choice((0, 0, 0, 15, -15))
    return [
        _timed(local, day, 360 + place * 240, 240 + slack, title)
        for place, title in enumerate(titles)
    ]


def _nights(chance: random.Random, local: ZoneInfo, day: date) -> list[Item]:
    title = chance.choice(FORWARDS)
    return [
        _timed(local, day + timedelta(days=night), 22 * 60, 9 * 60, title) for night in range(3)
    ]


def _days(chance: random.Random, local: ZoneInfo, day: date) -> list[Item]:
    end = day + timedelta(days=chance.choice((1, 1, 2, 7, 31, 32)))
    whole = {"start": {"date": day.isoformat()}, "end": {"date": end.isoformat()}}
    return [_titled(chance.choice(FORWARDS), **whole)]


def _loose(chance: random.Random, local: ZoneInfo, day: date) -> list[Item]:
    return [
        _timed(
            local,
            day,
            chance.randrange(0, 24 * 60, 5),
            chance.choice((0, 5, 60, 90, 480, -30)),
            chance.choice(FORWARDS + OTHERS),
        )
        for _ in range(chance.randint(1, 4))
    ]


def _changes_of_clocks(chance: random.Random, local: ZoneInfo, of: int) -> list[Item]:
    """Short and whole-day events on every day whose length is not 24 hours."""
    items: list[Item] = []
    day = date(of, 1, 1)
    while day.year == of:
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=local)
        before = noon - timedelta(days=1)
        if noon.utcoffset() != before.utcoffset():
            items += _days(chance, local, day)
            items += [
                _timed(local, day, start, 60, chance.choice(FORWARDS))
                for start in (-60, 0, 60, 120)
            ]
            items.append(_timed(local, day, -30, 240, chance.choice(FORWARDS)))
        day += timedelta(days=1)
    return items


def _oddity(chance: random.Random, item: Item) -> None:
    """Make one in eight events one that does not count, or looks as if."""
    if chance.random() > 0.125:
        return
    odd: tuple[Item, ...] = (
        {"status": "cancelled"},
        {"status": "tentative"},
        {"organizer": {"email": "boss@example.com"}},
        {"organizer": {"email": "boss@example.com", "self": False}},
        {"attendees": [{"self": True, "responseStatus": "declined"}]},
        {"attendees": [{"self": True, "responseStatus": "tentative"}]},
        {"attendees": [{"responseStatus": "declined"}]},
        {"eventType": "outOfOffice"},
        {"eventType": "default"},
        {"endTimeUnspecified": True},
        {"visibility": "private"},
    )
    item |= chance.choice(odd)
