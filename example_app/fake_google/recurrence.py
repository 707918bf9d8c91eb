"""Series to instances: RRULE, RDATE and EXDATE in the series' own zone, across DST.

Instances keep the wall-clock start of the series; each lasts exactly as long as the first
(RFC 5545, section 3.8.5.3).  A start that the clock skips moves forward by the gap; one that
comes twice is the first of the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import cast
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr

from .errors import bad_request
from .model import Json

_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One instance: its key (as in instance ids), and its start and end.

    Both ends are aware UTC datetimes, or dates for an all-day event; the end is exclusive.
    """

    key: str
    start: datetime | date
    end: datetime | date


def parse_instant(text: str, zone: ZoneInfo) -> datetime:
    """An RFC 3339 text as UTC; a text without offset is wall-clock time in `zone`."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone)
    return found.astimezone(UTC)


def instance_key(start: datetime | date) -> str:
    """How an instance id names its original start: `20261123T090000Z` or `20261123`."""
    if isinstance(start, datetime):
        return f"{start.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f"{start:%Y%m%d}"


def instant_of(moment: datetime | date, zone: ZoneInfo) -> datetime:
    """A start or end as an instant; a date means midnight in `zone`."""
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time(), tzinfo=zone).astimezone(UTC)


def event_span(body: Json, zone: ZoneInfo) -> tuple[datetime | date, datetime | date]:
    """The event's own start and end."""
    start, end = body["start"], body["end"]
    if "date" in start:
        return date.fromisoformat(start["date"]), date.fromisoformat(end["date"])
    return (
        parse_instant(start["dateTime"], ZoneInfo(start.get("timeZone") or zone.key)),
        parse_instant(end["dateTime"], ZoneInfo(end.get("timeZone") or zone.key)),
    )


def occurrences(body: Json, zone: ZoneInfo, *, until: datetime) -> Iterator[Occurrence]:
    """The instances of a series that start before `until`, in order.

    `zone` is the calendar's; a timed series' own `start.timeZone` goes before it.
    """
    start, end = event_span(body, zone)
    lines = tuple(body["recurrence"])
    if isinstance(start, datetime) and isinstance(end, datetime):
        own = ZoneInfo(body["start"].get("timeZone") or zone.key)
        length = end - start
        for wall in _rules(lines, start.astimezone(own).replace(tzinfo=None), own.key):
            begin = wall.replace(tzinfo=own).astimezone(UTC)
            if begin >= until:
                return
            yield Occurrence(instance_key(begin), begin, begin + length)
    else:
        days = date.toordinal(end) - date.toordinal(start)
        for wall in _rules(lines, datetime.combine(start, time()), zone.key):
            day = wall.date()
            if instant_of(day, zone) >= until:
                return
            yield Occurrence(instance_key(day), day, day + timedelta(days=days))


@lru_cache(maxsize=256)
def _rules(lines: tuple[str, ...], first: datetime, zone_name: str) -> rruleset:
    """The recurrence as a set of wall-clock starts; `first` always belongs to it (as in iCal)."""
    zone = ZoneInfo(zone_name)
    rules = rruleset(cache=True)
    try:
        for line in lines:
            head, _, value = line.partition(":")
            name = head.partition(";")[0].upper()
            if name in ("RRULE", "EXRULE"):
                rule = cast("rrule", rrulestr(_wall_rule(value, zone), dtstart=first))
                (rules.rrule if name == "RRULE" else rules.exrule)(rule)
            elif name in ("RDATE", "EXDATE"):
                for wall in _wall_dates(head, value, first, zone):
                    (rules.rdate if name == "RDATE" else rules.exdate)(wall)
            else:
                raise ValueError(f"unknown line {name}")
    except (ValueError, KeyError) as error:
        raise bad_request(f"Invalid recurrence rule. ({error})") from error
    if not any(line.upper().startswith("RRULE") for line in lines):
        rules.rdate(first)
    return rules


def check_recurrence(body: Json, zone: ZoneInfo) -> None:
    """Refuse (ApiError 400) a recurrence that cannot be expanded."""
    for line in body["recurrence"]:
        if line.upper().startswith(("DTSTART", "DTEND")):
            raise bad_request("Invalid recurrence rule.")
    for _ in occurrences(body, zone, until=datetime.max.replace(tzinfo=UTC)):
        return


def _wall_rule(value: str, zone: ZoneInfo) -> str:
    """The rule with UNTIL in wall-clock time, since the expansion is in wall-clock time."""
    parts = dict(part.split("=", 1) for part in value.strip().rstrip(";").upper().split(";"))
    if parts["FREQ"] not in _FREQUENCIES:
        raise ValueError(f"FREQ={parts['FREQ']}")
    if "UNTIL" in parts:
        text = parts["UNTIL"]
        if text.endswith("Z"):
            utc = datetime.fromisoformat(text)
            text = f"{utc.astimezone(zone):%Y%m%dT%H%M%S}"
        elif "T" not in text:
            text += "T235959"
        parts["UNTIL"] = text
    return ";".join(f"{key}={part}" for key, part in parts.items())


def _wall_dates(head: str, value: str, first: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    named = [part[5:] for part in head.split(";")[1:] if part.upper().startswith("TZID=")]
    own = ZoneInfo(named[0]) if named else zone
    for text in value.split(","):
        if text.endswith("Z"):
            utc = datetime.fromisoformat(text)
            yield utc.astimezone(zone).replace(tzinfo=None)
        elif "T" in text:
            moment = datetime.fromisoformat(text).replace(tzinfo=own)
            yield moment.astimezone(zone).replace(tzinfo=None)
        else:
            yield datetime.combine(date.fromisoformat(text), first.time())


SIX_MONTHS = timedelta(days=183)
