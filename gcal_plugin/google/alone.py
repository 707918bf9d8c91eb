"""What one process knows of the quota by itself: its pauses, and its share while Redis is away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..ports import CalendarError

_OF_A_PROJECT = 0.1
"""The share of a project's quota that one process takes when it cannot ask the others."""
_OF_A_USER = 0.4
"""That of a user's. It is larger: hardly ever do more than two processes ask for one person, of
whose calendars each is leased to one of them."""
_BURST = 0.1
_MOST_USERS = 4096
"""So many buckets of users are kept before those that are full again are let go."""
LONGEST_PAUSE = 64.0
MOST_STRIKES = 6
"""2 ** 6 seconds are the longest pause: further strikes would not change anything."""
REMEMBERED = 300.0
"""So many seconds after a pause its strikes still count."""


class _Bucket:
    """A token bucket: so many a second, so many at once."""

    def __init__(self, rate: float, capacity: float, now: float) -> None:
        self._rate, self._capacity = rate, capacity
        self._level, self._at = capacity, now

    def wait(self, now: float) -> float:
        """Seconds until one is there; 0 where there is one now."""
        self._level = min(self._capacity, self._level + max(0.0, now - self._at) * self._rate)
        self._at = now
        return 0.0 if self._level >= 1 else (1 - self._level) / self._rate

    def take(self) -> None:
        self._level -= 1

    def full(self, now: float) -> bool:
        """Whether it is as good as a new one."""
        return self._level + (now - self._at) * self._rate >= self._capacity


class Share:
    """The turns that one process may take with Redis away, for each project and each user."""

    def __init__(self, per_project: int, per_user: int, clock: Callable[[], float]) -> None:
        """The quotas are whole ones, in requests a minute."""
        self._clock = clock
        self._lock = threading.Lock()
        self._projects: dict[str, _Bucket] = {}
        self._users: dict[str, _Bucket] = {}
        self._project_rate = per_project * _OF_A_PROJECT / 60
        self._user_rate = per_user * _OF_A_USER / 60
        self._user_burst = max(1.0, per_user * _OF_A_USER * _BURST)

    def wait(self, project: str, user: str) -> float:
        """Seconds to wait; the turn is taken where that is 0."""
        now = self._clock()
        with self._lock:
            ours = self._projects.get(project)
            if ours is None:
                burst = max(1.0, self._project_rate)
                ours = self._projects[project] = _Bucket(self._project_rate, burst, now)
            theirs = self._users.get(user)
            if theirs is None:
                if len(self._users) >= _MOST_USERS:
                    self._users = {
                        key: one for key, one in self._users.items() if not one.full(now)
                    }
                theirs = self._users[user] = _Bucket(self._user_rate, self._user_burst, now)
            wait = max(ours.wait(now), theirs.wait(now))
            if wait <= 0:
                ours.take()
                theirs.take()
            return wait


@dataclass(frozen=True, slots=True)
class _Pause:
    until: float
    strikes: int


class Pauses:
    """The pauses that this process has heard of, by the keys that Redis has them under."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, _Pause] = {}

    def left(self, keys: Sequence[str]) -> float:
        """Seconds that are left of the longest of these pauses; 0 where there is none."""
        if not self._known:
            return 0.0
        with self._lock:
            now = self._clock()
            known = (self._known.get(key) for key in keys)
            return max(
                (one.until - now for one in known if one is not None and one.until > now),
                default=0.0,
            )

    def struck(self, keys: Sequence[str]) -> list[str]:
        """Which of these have strikes that a success may forgive: their pause is over."""
        if not self._known:
            return []
        with self._lock:
            now = self._clock()
            return [
                key
                for key in keys
                if (one := self._known.get(key)) is not None and one.until <= now
            ]

    def strike(self, key: str, share: float, least: float) -> float:
        """Note that Google asked for less; answers the pause in seconds.

        Twice as long each time, times `share`, at least `least` seconds. What is heard during a
        pause is no further strike: it was on its way.
        """
        with self._lock:
            now = self._clock()
            old = self._known.get(key)
            if old is not None and old.until > now:
                until, strikes = max(old.until, now + least), old.strikes
            else:
                fresh = old is None or old.until + REMEMBERED <= now
                strikes = 1 if old is None or fresh else min(old.strikes + 1, MOST_STRIKES)
                until = now + max(min(2.0**strikes, LONGEST_PAUSE) * share, least)
            self._known[key] = _Pause(until, strikes)
            return until - now

    def learn(self, key: str, seconds: float, strikes: int) -> None:
        """Take over what all workers hold; no strikes are no pause."""
        with self._lock:
            if strikes:
                self._known[key] = _Pause(self._clock() + seconds, strikes)
            else:
                self._known.pop(key, None)

    def learn_of(self, key: str, strikes: int) -> None:
        """Note that there are strikes to be forgiven, where this process does not know it yet."""
        with self._lock:
            self._known.setdefault(key, _Pause(self._clock(), strikes))


def is_of_a_user(error: CalendarError) -> bool:
    """Whether a rate limit is that of one user, rather than of the whole project."""
    return error.reason == "userRateLimitExceeded"
