"""Seven days of forwards as bars: minutes and lanes, for a picture and a table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .models import EventView, WeekBar, WeekDay, WeekView

DAYS = 7
_DAY_MINUTES = 24 * 60


def week_of(events: Iterable[EventView], now: datetime, zone: ZoneInfo) -> WeekView:
    """Today and six days more, on the clock of `zone`.

    A day of 23 or 25 hours is drawn as one of 24: bars stand where the clock on the wall says.
    """
    today = now.astimezone(zone).date()
    over = datetime.combine(today + timedelta(days=DAYS), time(), zone)
    listed = sorted(
        (event for event in events if event.destination is not None and event.start < over),
        key=lambda one: one.start,
    )
    days = tuple(_day(today + timedelta(days=offset), listed, zone) for offset in range(DAYS))
    return WeekView(days=days, now_minute=_minute(now.astimezone(zone)))


def _day(day: date, events: list[EventView], zone: ZoneInfo) -> WeekDay:
    """One day of events that stand in the order of their starts."""
    begin = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    bars: list[WeekBar] = []
    free: list[int] = []
    for event in events:
        if event.end <= begin or event.start >= end:
            continue
        first = 0 if event.start <= begin else _minute(event.start.astimezone(zone))
        last = _DAY_MINUTES if event.end >= end else _minute(event.end.astimezone(zone))
        # The repeated hour in autumn may put the end before the start on the wall.
        last = max(last, first + 1)
        lane = next((place for place, until in enumerate(free) if until <= first), len(free))
        if lane == len(free):
            free.append(last)
        else:
            free[lane] = last
        bars.append(WeekBar(first, last, lane, event.forwards, event.destination, event.held))
    return WeekDay(day, tuple(bars), max(1, len(free)))


def _minute(local: datetime) -> int:
    return local.hour * 60 + local.minute
