"""The shared quota on a real Redis: all count in the same buckets, by the server's clock."""

from __future__ import annotations

import time as wall
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from redis import Redis

from gcal_plugin.google.governor import Governor, Quota
from gcal_plugin.ports import AccessToken, CalendarError
from tests.servers import RedisServer


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
    began = wall.monotonic()
    counts = [admitted(Governor(redis, quota), many) for _ in range(3)]
    come_back = 90 * (wall.monotonic() - began)
    assert counts[0] == 300
    assert 480 <= sum(counts) <= 481 + come_back
    redis.close()


def test_the_kept_part_is_for_people_who_wait(redis: Redis) -> None:
    # Three turns come back in two seconds, so that a busy machine does not matter.
    governor = Governor(redis, Quota(100, 60_000), patience=0.0)
    assert admitted(governor, [asker(f"user-{number}") for number in range(70)]) == 8
    with pytest.raises(CalendarError) as caught:
        governor.admit(asker("somebody else"))
    assert caught.value.reason == "governed"
    assert not caught.value.permanent
    waiting = [asker(f"person-{number}", urgent=True) for number in range(15)]
    assert 2 <= admitted(governor, waiting) <= 3
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


def test_a_person_who_waits_does_not_wait_for_the_reserve(redis: Redis) -> None:
    time = Time()
    governor = Governor(redis, Quota(6000, 600), sleep=time.sleep, clock=time)
    admitted(governor, [asker()] * 100)
    governor.admit(asker(urgent=True))
    assert time.slept == [], "the kept part needs no waiting"
    redis.close()


def test_a_turn_that_comes_soon_is_waited_for_and_never_in_step(redis: Redis) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        wall.sleep(seconds)

    governor = Governor(redis, Quota(6000, 600), sleep=sleep)
    for _ in range(10):
        admitted(governor, [asker()] * 100)  # nine a second come back
        governor.admit(asker())
    assert len(slept) >= 3
    assert 1 / 9 < max(slept) <= 2 / 9 + 0.01, "longer than needed, by chance, and no more"
    redis.close()


@pytest.mark.parametrize("urgent, patience", [(False, 0.4), (True, 0.9)])
def test_patience_ends_before_a_turn_that_comes_too_late(
    redis: Redis, urgent: bool, patience: float
) -> None:
    time = Time()  # which moves by sleeping only, so that Redis's buckets hardly fill
    governor = Governor(
        redis, Quota(6000, 600), sleep=time.sleep, clock=time, patience=0.4, urgent_patience=0.9
    )
    admitted(governor, [asker(urgent=urgent)] * 100)

    def many() -> None:
        for _ in range(50):
            time.slept.clear()
            governor.admit(asker(urgent=urgent))

    with pytest.raises(CalendarError) as caught:
        many()
    assert (caught.value.reason, caught.value.permanent) == ("governed", False)
    assert patience - 0.23 <= sum(time.slept) <= patience
    assert (caught.value.retry_after or 0) >= 1
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
        many = 0
        for _ in range(600):
            many += admitted(governor, [asker("one")] * 10)
            time.now += 0.1
        assert 240 <= many <= 300, "less than half of what a user may in a minute"
        time.now += 60
        server.start()
        assert admitted(governor, [asker(f"u{number}") for number in range(100)]) == 100


def test_a_hung_redis_does_not_hold_anybody_up(make_redis: Callable[..., RedisServer]) -> None:
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
