"""The quota, shared by all workers: who may ask Google now, and who waits.

Google counts requests per project (10,000 a minute) and per user (600 a minute) over a sliding
minute. A bucket of a tenth of the quota that refills at nine tenths a minute never lets more than
the quota through in any minute. The buckets live in Redis, on Redis's clock, and so do the pauses
after Google asked for less. With Redis away each process goes on alone, at a rate that is safe for
many of them.
"""

from __future__ import annotations

import hashlib
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from redis import Redis, RedisError
from redis.commands.core import Script

from ..ports import AccessToken, CalendarError
from .alone import LONGEST_PAUSE, MOST_STRIKES, REMEMBERED, Pauses, Share, is_of_a_user

log = logging.getLogger(__name__)

_BURST = 0.1
_RESERVE = 0.2
"""The share of the bucket that only requests with a person waiting may use."""
_STRETCH_SECONDS = 10
_REDIS_REST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Quota:
    """Requests a minute."""

    per_project: int = 10_000
    per_user: int = 600


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
        self._share = Share(self._quota.per_project, self._quota.per_user, clock)
        self._pauses = Pauses(clock)
        self._redis_rests_until = float("-inf")
        self._bucket = _script(redis, "bucket.lua")
        self._pause = _script(redis, "pause.lua")
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
            wait = self.paused(access)
            if wait <= 0:
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

    def paused(self, access: AccessToken) -> float:
        """Seconds for which Google asked for less, as far as this process has heard; 0: it may."""
        return self._pauses.left(self._keys(access).pauses)

    def heard(self, access: AccessToken, error: CalendarError | None) -> None:
        """Learn from an answer: a rate limit pauses its project or user, a success forgives."""
        if error is None:
            for key in self._pauses.struck(self._keys(access).pauses):
                self._forgive(key)
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
        keys = [self._keys(access) for access in accesses]
        answer = self._ask(
            self._bucket,
            [name for key in keys for name in key.all],
            [
                *self._rates,
                *(
                    value
                    for access in accesses
                    for value in (int(access.urgent), access.tenant_id or "-")
                ),
            ],
        )
        if answer is None:
            return [self._pauses.left(key.pauses) or self._share.wait(*key.buckets) for key in keys]
        waits = [float(wait) / 1000 for wait in answer[::3]]
        for place, key in enumerate(keys):
            for strikes, pause in zip(
                answer[place * 3 + 1 : place * 3 + 3], key.pauses, strict=True
            ):
                if strikes < 0:
                    self._pauses.learn(pause, waits[place], -strikes)
                elif strikes:
                    self._pauses.learn_of(pause, strikes)
        return waits

    def _strike(self, access: AccessToken, error: CalendarError) -> None:
        """Pause twice as long at each strike, at least as long as Google asked, never in step."""
        keys = self._keys(access)
        key = keys.user_pause if is_of_a_user(error) else keys.project_pause
        share, least = random.uniform(0.5, 1), error.retry_after or 0.0  # noqa: S311
        answer = self._ask(
            self._pause,
            [key],
            ["strike", int(LONGEST_PAUSE * 1000), MOST_STRIKES, share, int(least * 1000),
             int(REMEMBERED * 1000)],
        )  # fmt: skip
        if answer is None:
            pause = self._pauses.strike(key, share, least)
        else:
            pause = float(answer[0]) / 1000
            self._pauses.learn(key, pause, int(answer[1]))
        log.warning("Google asks for less (%s): pause of %.1f s", error.reason, pause)

    def _forgive(self, key: str) -> None:
        answer = self._ask(self._pause, [key], ["forgive"])
        left, strikes = answer if answer is not None else (0, 0)
        self._pauses.learn(key, float(left) / 1000, int(strikes))

    def _ask(self, script: Script | None, keys: list[str], args: list[Any]) -> Any:
        """What Redis says; None while it is away."""
        if script is None or self._clock() < self._redis_rests_until:
            return None
        try:
            return script(keys=keys, args=args)
        except RedisError as error:
            self._redis_rests_until = self._clock() + _REDIS_REST_SECONDS
            log.warning("the shared quota is away (%s): going on alone", type(error).__name__)
            return None

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


def _script(redis: Redis | None, name: str) -> Script | None:
    if redis is None:
        return None
    return redis.register_script(files(__package__).joinpath(name).read_text())


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
