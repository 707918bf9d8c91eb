"""Local times -> UTC instants, through the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


class UnknownZone(ValueError):
    """The calendar, or an event, names a time zone that does not exist."""


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Answer the zone of an IANA name ("Europe/Amsterdam"); raises UnknownZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise UnknownZone(name) from fault


def to_utc(instant: datetime, zone_name: str) -> datetime:
    """Answer the UTC instant; one without an offset is read in the zone.

    A time that the clock skips is the moment that the old offset would give; one that it shows
    twice is the first. Instants beyond the years 1-9999 are cut to them.
    """
    aware = instant if instant.tzinfo is not None else instant.replace(tzinfo=zone(zone_name))
    try:
        return aware.astimezone(UTC)
    except OverflowError:
        return FIRST if instant.year == 1 else LAST


@lru_cache(maxsize=4096)
def start_of_day(day: date, zone_name: str) -> datetime:
    """Answer the first instant of a day, which is midnight where the clock does not skip it."""
    midnight = datetime.combine(day, time.min)
    instant = to_utc(midnight, zone_name)
    if instant in (FIRST, LAST):
        return instant
    local = zone(zone_name)
    if instant.astimezone(local).replace(tzinfo=None) == midnight:
        return instant
    # Midnight was skipped: the day begins where the clock jumps to it. An hour or a whole day may
    # be missing, so look for the first second whose local date is this day or later.
    before = instant - timedelta(days=1)
    after = instant + timedelta(days=1)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(local).date() < day:
            before = middle
        else:
            after = middle
    return after
