"""The quota, shared by all workers: who may ask Google now, and who waits.

Google counts requests per project (10,000 a minute) and per user (600 a minute) over a sliding
minute. A bucket of a tenth of the quota that refills at nine tenths a minute never lets more than
the quota through in any minute. The buckets live in Redis, on Redis's clock. With Redis away each
process goes on alone, at a rate that is safe for many of them.
"""

from __future__ import annotations

import hashlib
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from redis import Redis, RedisError

from ..ports import AccessToken, CalendarError

log = logging.getLogger(__name__)

_BURST = 0.1
_RESERVE = 0.2
"""The share of the bucket that only requests with a person waiting may use."""
_STRETCH_SECONDS = 10
_ALONE = 0.1
"""The share of the quota that one process takes when it cannot ask the others."""
_REDIS_REST_SECONDS = 5.0
_LONGEST_PAUSE = 64.0


@dataclass(frozen=True, slots=True)
class Quota:
    """Requests a minute."""

    per_project: int = 10_000
    per_user: int = 600


class _Bucket:
    """A token bucket of one process, for the time that Redis is away."""

    def __init__(self, rate: float, capacity: float, now: float) -> None:
        self._rate, self._capacity = rate, capacity
        self._level, self._at = capacity, now

    def wait(self, now: float) -> float:
        """Seconds until one is there; takes it when that is 0."""
        self._level = min(self._capacity, self._level + max(0.0, now - self._at) * self._rate)
        self._at = now
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self._rate


class Governor:
    """Admits requests, and slows everybody down when Google says so."""

    def __init__(
        self,
        redis: Redis | None,
        quota: Quota | None = None,
        *,
        patience: float = 2.0,
        urgent_patience: float = 5.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._quota = quota or Quota()
        self._patience = patience
        self._urgent_patience = urgent_patience
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._alone: dict[str, _Bucket] = {}
        self._paused: dict[str, float] = {}
        self._redis_rests_until = float("-inf")
        text = files(__package__).joinpath("bucket.lua").read_text()
        self._script = redis.register_script(text) if redis is not None else None
        self._struck: set[str] = set()
        self._rates = (
            self._quota.per_project * (1 - _BURST) / 60,
            max(1.0, self._quota.per_project * _BURST),
            self._quota.per_user * (1 - _BURST) / 60,
            max(1.0, self._quota.per_user * _BURST),
            _RESERVE,
            _STRETCH_SECONDS,
        )

    def admit(self, access: AccessToken) -> None:
        """Wait for a turn; raises `CalendarError` with `retry_after` when it takes too long."""
        patience = self._urgent_patience if access.urgent else self._patience
        waited = 0.0
        while True:
            (wait,) = self._turns([access])
            if wait <= 0:
                return
            wait += random.uniform(0, min(wait, 0.25))  # noqa: S311 (spreads, hides nothing)
            if waited + wait > patience:
                raise CalendarError(
                    "our share of the quota is used up for now",
                    reason="governed",
                    retry_after=max(wait, 1.0),
                )
            self._sleep(wait)
            waited += wait

    def heard(self, access: AccessToken, error: CalendarError | None) -> None:
        """Learn from an answer: a rate limit pauses its project or user, a success forgives."""
        if error is None:
            if self._struck:
                self._forgive(access)
        elif error.quota:
            self._strike(access, error)

    def admit_at_once(self, accesses: Sequence[AccessToken]) -> list[bool]:
        """Which of many requests have their turn right now; asks once for all of them."""
        return [wait <= 0 for wait in self._turns(accesses)]

    def use(self, client_id: str) -> float | None:
        """What part of a client's quota is used up now, 0 to 1; None with Redis away."""
        if self._redis is None:
            return None
        capacity = max(1.0, self._quota.per_project * _BURST)
        rate = self._quota.per_project * (1 - _BURST) / 60
        try:
            stored = self._redis.hmget(_keys_of(client_id, "").buckets[0], "level", "at")
            seconds, micro = self._redis.time()
        except RedisError:
            return None  # nobody knows
        level, at = (float(one) if one is not None else None for one in stored)
        if level is None or at is None:
            return 0.0
        grown = max(0.0, seconds + micro / 1e6 - at / 1000) * rate
        return 1 - min(capacity, level + grown) / capacity

    def _turns(self, accesses: Sequence[AccessToken]) -> list[float]:
        """Seconds to wait for each; a turn is taken where that is 0."""
        if self._script is None or self._clock() < self._redis_rests_until:
            return [self._turn_alone(access) for access in accesses]
        keys = [self._keys(access) for access in accesses]
        asked = [
            value for access in accesses for value in (int(access.urgent), access.tenant_id or "-")
        ]
        try:
            answer = self._script(
                keys=[name for key in keys for name in key.all], args=[*self._rates, *asked]
            )
        except RedisError as error:
            self._redis_rests_until = self._clock() + _REDIS_REST_SECONDS
            log.warning("the shared quota is away (%s): going on alone", type(error).__name__)
            return [self._turn_alone(access) for access in accesses]
        for place, key in enumerate(keys):
            for strikes, pause in zip(
                answer[place * 3 + 1 : place * 3 + 3], key.pauses, strict=True
            ):
                if strikes:
                    self._struck.add(pause)
        return [float(wait) / 1000 for wait in answer[::3]]

    def _turn_alone(self, access: AccessToken) -> float:
        keys = self._keys(access)
        now = self._clock()
        with self._lock:
            held = max(self._paused.get(key, 0.0) - now for key in keys.pauses)
            if held > 0:
                return held
            project = self._alone.get(keys.buckets[0])
            if project is None:
                rate = self._quota.per_project * _ALONE / 60
                project = self._alone[keys.buckets[0]] = _Bucket(rate, max(1.0, rate), now)
            return project.wait(now)

    def _strike(self, access: AccessToken, error: CalendarError) -> None:
        """Pause twice as long at each strike, at least as long as Google asked, never in step."""
        keys = self._keys(access)
        key = keys.user_pause if error.reason == "userRateLimitExceeded" else keys.project_pause
        strikes = 1
        if self._redis is not None and self._clock() >= self._redis_rests_until:
            try:
                strikes = int(self._redis.hincrby(key, "strikes", 1))
            except RedisError:
                self._redis_rests_until = self._clock() + _REDIS_REST_SECONDS
        longest = min(2.0**strikes, _LONGEST_PAUSE)
        pause = max(error.retry_after or 0.0, random.uniform(longest / 2, longest))  # noqa: S311
        with self._lock:
            self._struck.add(key)
            self._paused[key] = self._clock() + pause
        if self._redis is not None and self._clock() >= self._redis_rests_until:
            try:
                seconds, micro = self._redis.time()
                until = int(seconds * 1000 + micro / 1000 + pause * 1000)
                self._redis.hset(key, "until", str(until))
                self._redis.expire(key, int(pause) + 300)
            except RedisError:
                self._redis_rests_until = self._clock() + _REDIS_REST_SECONDS
        log.warning("Google asks for less (%s): pause of %.1f s", error.reason, pause)

    def _forgive(self, access: AccessToken) -> None:
        keys = self._keys(access)
        for key in keys.pauses:
            if key not in self._struck:
                continue
            with self._lock:
                if self._paused.get(key, 0.0) > self._clock():
                    continue
                self._struck.discard(key)
                self._paused.pop(key, None)
            if self._redis is not None and self._clock() >= self._redis_rests_until:
                try:
                    self._redis.delete(key)
                except RedisError:
                    self._redis_rests_until = self._clock() + _REDIS_REST_SECONDS

    @staticmethod
    def _keys(access: AccessToken) -> _Keys:
        return _keys_of(access.client_id, access.subject)


@dataclass(frozen=True, slots=True)
class _Keys:
    buckets: tuple[str, str]
    tenants: str
    project_pause: str
    user_pause: str

    @property
    def pauses(self) -> tuple[str, str]:
        return (self.project_pause, self.user_pause)

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.buckets, self.tenants, *self.pauses)


@lru_cache(maxsize=4096)
def _keys_of(client_id: str, subject: str) -> _Keys:
    """Names that share one slot of a cluster and tell nobody who the user is."""
    client = hashlib.blake2s(client_id.encode(), digest_size=8).hexdigest()
    user = hashlib.blake2s(subject.encode(), digest_size=8).hexdigest()
    base = f"gcal:{{quota:{client}}}"
    return _Keys(
        (f"{base}:project", f"{base}:user:{user}"),
        f"{base}:tenants",
        f"{base}:pause",
        f"{base}:pause:{user}",
    )
