"""The shared quota on a real Redis: all count in the same buckets, by the server's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from redis import Redis

from gcal_plugin.google.governor import Governor, Quota
from gcal_plugin.ports import AccessToken, CalendarError
from tests.servers import RedisServer

TOO_FAST = CalendarError("slow down", reason="rateLimitExceeded", status=403, quota=True)


def asker(
    user: str = "jan", tenant: str = "bel", client: str = "ours", *, urgent: bool = False
) -> AccessToken:
    return AccessToken("t", datetime.max.replace(tzinfo=UTC), user, client, tenant, urgent)


class Time:
    """A clock that moves when somebody sleeps on it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def redis(redis_url: str) -> Redis:
    return Redis.from_url(redis_url)


def admitted(governor: Governor, accesses: list[AccessToken]) -> int:
    return sum(governor.admit_at_once(accesses))


def test_a_burst_gets_no_more_than_a_tenth_of_the_minute_less_the_reserve(redis: Redis) -> None:
    governor = Governor(redis, Quota(6000, 6000))
    many = [asker(f"user-{number}") for number in range(700)]
    assert 480 <= admitted(governor, many) <= 500
    redis.close()


def test_workers_share_the_buckets(redis: Redis) -> None:
    quota = Quota(6000, 6000)
    many = [asker(f"user-{number}") for number in range(300)]
    counts = [admitted(Governor(redis, quota), many) for _ in range(3)]
    assert counts[0] == 300
    assert 480 <= sum(counts) <= 510
    redis.close()


def test_the_kept_part_is_for_people_who_wait(redis: Redis) -> None:
    governor = Governor(redis, Quota(6000, 6000), patience=0.0)
    admitted(governor, [asker(f"user-{number}") for number in range(700)])
    admitted(governor, [asker("somebody")] * 20)
    with pytest.raises(CalendarError) as caught:
        governor.admit(asker("somebody else"))
    assert caught.value.reason == "governed"
    assert not caught.value.permanent
    waiting = [asker(f"person-{number}", urgent=True) for number in range(150)]
    assert 95 <= admitted(governor, waiting) <= 125
    redis.close()


def test_a_user_has_a_bucket_too_and_a_client_of_their_own_another(redis: Redis) -> None:
    governor = Governor(redis, Quota(100_000, 600))
    assert 46 <= admitted(governor, [asker()] * 100) <= 50
    assert admitted(governor, [asker("piet")] * 40) == 40
    assert 46 <= admitted(governor, [asker(client="reseller")] * 100) <= 50
    redis.close()


def test_when_it_gets_tight_a_quiet_tenant_goes_before_a_loud_one(redis: Redis) -> None:
    governor = Governor(redis, Quota(6000, 60_000))
    assert admitted(governor, [asker(tenant="quiet")]) == 1
    loud = admitted(governor, [asker(f"u{number}", "loud") for number in range(700)])
    assert 295 <= loud <= 320, "half of the bucket, no more"
    assert admitted(governor, [asker(f"q{number}", "quiet") for number in range(50)]) == 50
    assert admitted(governor, [asker("u0", "loud")]) == 0
    redis.close()


def test_a_rate_limit_pauses_everybody_of_the_project_and_longer_each_time(redis: Redis) -> None:
    time = Time()
    governor = Governor(redis, Quota(), sleep=time.sleep, clock=time, patience=0.0)
    other = Governor(redis, Quota(), patience=0.0)
    for longest in (2.0, 4.0, 8.0):
        governor.heard(asker(), TOO_FAST)
        with pytest.raises(CalendarError) as caught:
            other.admit(asker("somebody else"))
        assert caught.value.retry_after is not None
        assert longest / 2 - 0.2 <= caught.value.retry_after <= longest * 1.2
    assert admitted(other, [asker(client="reseller")]) == 1, "another project is not paused"
    redis.close()


def test_a_limit_of_one_user_pauses_that_user(redis: Redis) -> None:
    governor = Governor(redis, Quota())
    mine = CalendarError("slow", reason="userRateLimitExceeded", status=403, quota=True)
    governor.heard(asker("jan"), mine)
    assert admitted(governor, [asker("jan")]) == 0
    assert admitted(governor, [asker("piet")]) == 1
    redis.close()


def test_retry_after_is_the_least_that_is_waited(redis: Redis) -> None:
    governor = Governor(redis, Quota(), patience=0.0)
    limited = CalendarError("x", reason="rateLimitExceeded", quota=True, retry_after=90.0)
    governor.heard(asker(), limited)
    with pytest.raises(CalendarError) as caught:
        governor.admit(asker())
    assert (caught.value.retry_after or 0) >= 89
    redis.close()


def test_a_success_forgives_the_strikes(redis: Redis) -> None:
    time = Time()
    governor = Governor(redis, Quota(), clock=time, sleep=time.sleep)
    for _ in range(5):
        governor.heard(asker(), TOO_FAST)
    time.now += 100
    governor.heard(asker(), None)
    assert admitted(governor, [asker()]) == 1
    assert redis.keys("*pause*") == []
    redis.close()


def test_waiting_is_spread_and_short(redis: Redis) -> None:
    time = Time()
    governor = Governor(redis, Quota(6000, 600), sleep=time.sleep, clock=time)
    admitted(governor, [asker()] * 100)
    governor.admit(asker(urgent=True))
    assert time.slept == [], "the kept part needs no waiting"
    redis.close()


def test_without_redis_each_process_goes_on_slowly(
    make_redis: Callable[..., RedisServer],
) -> None:
    server = make_redis()
    time = Time()
    with server.client() as client:
        governor = Governor(client, Quota(), sleep=time.sleep, clock=time)
        assert admitted(governor, [asker(f"u{number}") for number in range(100)]) == 100
        server.kill()
        alone = admitted(governor, [asker(f"u{number}") for number in range(100)])
        assert 10 <= alone <= 17, "a tenth of the quota, for a second at once"
        time.now += 60
        server.start()
        assert admitted(governor, [asker(f"u{number}") for number in range(100)]) == 100


def test_a_hung_redis_does_not_hold_anybody_up(make_redis: Callable[..., RedisServer]) -> None:
    import time as wall

    server = make_redis()
    client = Redis.from_url(server.url(), socket_timeout=0.3, socket_connect_timeout=0.3)
    governor = Governor(client, Quota())
    governor.admit(asker())
    server.pause()
    try:
        began = wall.monotonic()
        for number in range(10):
            governor.admit(asker(f"u{number}"))
        assert wall.monotonic() - began < 3
    finally:
        server.resume()
        client.close()
