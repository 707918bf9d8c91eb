"""Who should ring at an instant, straight from Google-shaped events: the tests' second opinion.

It shares no code with the product and none of its libraries for numbers, and it is slow and plain
on purpose: it looks at every event for every instant that is asked. It knows the titles that the
generated calendars use (whole Dutch and foreign numbers, extensions, texts), not every repair.

    rings(items, instant, zone="Europe/Amsterdam") -> {("number", "+31612345678"), ...}
    edges(items, zone="Europe/Amsterdam")          -> every instant at which the answer may change
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Item = Mapping[str, Any]
Who = tuple[str, str]

# The Dutch ranges that may be called: area codes, mobile, 068, 085, 088, 091 and free numbers.
GOOD = re.compile(r"\+31(?:[1-57][0-9]{8}|(?:6[1-58]|8[58]|91)[0-9]{7}|800(?:[0-9]{4}|[0-9]{7}))")
SHORT = re.compile(r"1(?:12|13|44|16[0-9]{3}|[23468][0-9]{2}|4[0-9]{3,4})")
EMERGENCY = {"911", "999", "8112", "8911", "9112", "9911"}
LONGEST = timedelta(days=31)


def who(title: str | None) -> Who | None:
    """Answer whom a title calls, or None."""
    text = (title or "").strip()
    if re.fullmatch(r"[1-9][0-9]{1,5}", text):
        return None if text in EMERGENCY or SHORT.fullmatch(text) else ("extension", text)
    if not re.fullmatch(r"[+(]?[0-9][0-9 .()\-\u2013]*", text):
        return None
    digits = re.sub(r"[^0-9+]", "", text.replace("(0)", ""))
    number = (
        re.sub(r"^(?:00|\+)", "+", digits) if digits[:2] == "00" or digits[0] == "+" else digits
    )
    number = re.sub(r"^0", "+31", number)
    return ("number", number) if GOOD.fullmatch(number) else None


def midnight(day: date, zone: str) -> datetime:
    """Answer the first minute of a day, found by walking from a day before it."""
    local, minute = ZoneInfo(zone), timedelta(minutes=1)
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    for step in (timedelta(hours=1), minute):
        while instant.astimezone(local).date() < day:
            instant += step
        instant -= step
    return instant + minute


def moment(end: Item, zone: str) -> datetime:
    if "date" in end:
        return midnight(date.fromisoformat(end["date"]), zone)
    return datetime.fromisoformat(end["dateTime"]).astimezone(UTC)


def counts(item: Item) -> bool:
    """Answer whether an event is the calendar's own appointment that nobody called off."""
    own = item.get("organizer", {"self": True}).get("self", False)
    said_no = any(
        guest.get("self") and guest.get("responseStatus") == "declined"
        for guest in item.get("attendees", ())
    )
    plain = item.get("eventType", "default") == "default" and item.get("status") != "cancelled"
    return bool(own) and plain and not said_no and not item.get("endTimeUnspecified", False)


def spans(items: Iterable[Item], zone: str) -> list[tuple[datetime, datetime, Who]]:
    """Answer each forward as (start, end, whom), by start; equal starts by whom they call."""
    found = []
    for item in items:
        target = who(item.get("summary"))
        if target is not None and counts(item):
            start, end = moment(item["start"], zone), moment(item["end"], zone)
            if start < end <= start + LONGEST:
                found.append((start, end, target))
    return sorted(found, key=lambda span: (span[0], span[2]))


def rings(
    items: Iterable[Item],
    instant: datetime,
    *,
    zone: str,
    maximum: int | None = None,
    own: str | None = None,
) -> set[Who]:
    """Answer who should ring at `instant`; the empty set is the extension's own route."""
    return ringing(spans(items, zone), instant, maximum=maximum, own=own)


def ringing(
    forwards: Iterable[tuple[datetime, datetime, Who]],
    instant: datetime,
    *,
    maximum: int | None = None,
    own: str | None = None,
) -> set[Who]:
    """The same for spans that were worked out before, in the order of `spans`."""
    targets = [target for start, end, target in forwards if start <= instant < end]
    unique = [target for place, target in enumerate(targets) if target not in targets[:place]]
    chosen = set(unique[:maximum])
    return set() if chosen == {("extension", own)} else chosen


def edges(items: Iterable[Item], *, zone: str) -> list[datetime]:
    """Answer every instant at which somebody may start or stop ringing."""
    return sorted({edge for start, end, _ in spans(items, zone) for edge in (start, end)})
