"""When a calendar is fetched next: polled, kept safe, listed anew, or left alone for a while."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from ..settings import GcalSettings

_BACK = timedelta(days=1)
"""How far back a listing reaches, so that what is still running is always in it."""

_FIRST_WAIT = 15.0
_LONGEST_WAIT = 900.0
_PERMANENT_WAIT = 3600.0
_DOUBT_WAIT = 60.0


def window(settings: GcalSettings, now: datetime) -> tuple[datetime, datetime]:
    """What a full listing asks for."""
    return now - _BACK, now + timedelta(days=settings.horizon_days)


def keep_from(now: datetime) -> datetime:
    """Events that ended before this are of no use to a listing or a delta."""
    return now - _BACK


def next_sync(settings: GcalSettings, now: datetime, *, pushed: bool) -> datetime:
    """The next fetch when nothing happens: soon where we poll, rarely where Google notifies.

    Spread by a twentieth, so that calendars that began together do not stay in step.
    """
    every = settings.safety_sync_seconds if pushed else settings.poll_seconds
    return now + timedelta(seconds=every * random.uniform(0.95, 1.0))  # noqa: S311


def next_listing(settings: GcalSettings, now: datetime) -> datetime:
    """When the window is listed anew: at every second safety fetch, so once a day."""
    return now + timedelta(seconds=settings.safety_sync_seconds * 1.85)


def after_failure(
    now: datetime, failures: int, *, retry_after: float | None, permanent: bool
) -> datetime:
    """The next try after the `failures`-th failure in a row: twice as long each time, spread.

    The whole range is used for the spread: after an outage the fleet must not come back at once.
    """
    if permanent:
        longest = _PERMANENT_WAIT
    else:
        longest = min(_FIRST_WAIT * 2.0 ** min(failures - 1, 10), _LONGEST_WAIT)
    wait = random.uniform(longest / 2, longest)  # noqa: S311
    if retry_after is not None:
        wait = max(wait, retry_after * random.uniform(1.0, 1.2))  # noqa: S311
    return now + timedelta(seconds=wait)


def after_doubt(now: datetime) -> datetime:
    """The second look at what cannot be believed at once, a minute later."""
    return now + timedelta(seconds=_DOUBT_WAIT * random.uniform(1.0, 1.2))  # noqa: S311


def while_lost(now: datetime) -> datetime:
    """The next look at a calendar that was lost: its owner may give it back at any time."""
    return after_failure(now, 1, retry_after=None, permanent=True)
