"""Google asks for less: one pause for all workers, longer each time, and nobody passes it."""

from __future__ import annotations

import time as wall
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from redis import Redis

from gcal_plugin.google.governed import GovernedCalendars
from gcal_plugin.google.governor import Governor, Quota
from gcal_plugin.ports import AccessToken, CalendarError, CalendarSource
from tests.google.test_governor import Time, admitted, asker
from tests.servers import RedisServer

TOO_FAST = CalendarError("slow down", reason="rateLimitExceeded", status=403, quota=True)
USER_TOO_FAST = CalendarError(
    "slow", reason="userRateLimitExceeded", status=403, quota=True, retry_after=30.0
)
IN_A_WHILE = CalendarError("slow", reason="rateLimitExceeded", quota=True, retry_after=90.0)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


def waits(governor: Governor, access: AccessToken) -> float:
    """Seconds after which it may come again; 0 where it was admitted."""
    try:
        governor.admit(access)
    except CalendarError as error:
        return error.retry_after or 0.0
    return 0.0


def pause_passes(redis: Redis) -> None:
    """As if the time of every pause had passed on Redis's clock."""
    names = cast(list[bytes], redis.keys("*pause*"))
    assert names
    for name in names:
        redis.hset(name.decode(), "until", "1")


def strikes(redis: Redis) -> list[int]:
    names = cast(list[bytes], redis.keys("*pause*"))
    return [int(cast(bytes, redis.hget(name.decode(), "strikes"))) for name in names]


def test_everybody_of_the_project_pauses_and_twice_as_long_each_time(redis: Redis) -> None:
    for longest in (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 64.0):
        began = wall.monotonic()
        Governor(redis, Quota()).heard(asker(), TOO_FAST)
        other = Governor(redis, Quota(), patience=0.0)
        waited = waits(other, asker("somebody else"))
        assert longest / 2 - (wall.monotonic() - began) <= waited <= longest + 0.25
        assert admitted(other, [asker(client="reseller")]) == 1, "another project is not paused"
        pause_passes(redis)


def test_a_pause_is_one_strike_however_many_were_on_their_way(redis: Redis) -> None:
    governor = Governor(redis, Quota(), patience=0.0)
    for _ in range(200):
        governor.heard(asker(), IN_A_WHILE)
    assert strikes(redis) == [1]


def test_years_of_strikes_do_not_break_anything(redis: Redis) -> None:
    time = Time()
    for governor in (
        Governor(redis, Quota(), patience=0.0),
        Governor(None, Quota(), clock=time, sleep=time.sleep, patience=0.0),
    ):
        for _ in range(1100):
            governor.heard(asker(), TOO_FAST)
            if governor.use("ours") is not None:
                pause_passes(redis)
            time.now += 65
        governor.heard(asker(), TOO_FAST)
        assert 31 <= waits(governor, asker()) <= 64.5


def test_a_limit_of_one_user_pauses_that_user(redis: Redis) -> None:
    governor = Governor(redis, Quota())
    governor.heard(asker("jan"), USER_TOO_FAST)
    for one in (governor, Governor(redis, Quota())):
        assert admitted(one, [asker("jan")]) == 0
        assert admitted(one, [asker("piet")]) == 1


def test_what_google_says_is_the_least_that_is_waited(redis: Redis) -> None:
    governor = Governor(redis, Quota(), patience=0.0)
    governor.heard(asker(), TOO_FAST)
    governor.heard(asker(), IN_A_WHILE)
    governor.heard(asker(), TOO_FAST)
    for one in (governor, Governor(redis, Quota(), patience=0.0)):
        assert 89 <= waits(one, asker()) <= 90.25


def test_a_success_after_the_pause_forgives_the_strikes(redis: Redis) -> None:
    time = Time()
    governor = Governor(redis, Quota(), clock=time, sleep=time.sleep)
    for _ in range(5):
        governor.heard(asker(), TOO_FAST)
        pause_passes(redis)
        time.now += 65
    assert strikes(redis) == [5]
    governor.heard(asker(), None)
    assert admitted(governor, [asker()]) == 1
    assert redis.keys("*pause*") == []


def test_another_workers_success_does_not_end_the_pause(redis: Redis) -> None:
    struck, other = (Governor(redis, Quota(), patience=0.0) for _ in range(2))
    other.admit(asker("u1"))  # on its way when the pause begins
    struck.heard(asker("u0"), IN_A_WHILE)
    assert waits(other, asker("u2")) >= 89
    other.heard(asker("u1"), None)
    for governor in (struck, other, Governor(redis, Quota(), patience=0.0)):
        assert waits(governor, asker("u3")) >= 89


def test_a_worker_that_was_not_struck_forgives_too(redis: Redis) -> None:
    Governor(redis, Quota()).heard(asker(), TOO_FAST)
    pause_passes(redis)
    other = Governor(redis, Quota())
    other.admit(asker())
    other.heard(asker(), None)
    assert redis.keys("*pause*") == []


def test_a_worker_that_knows_of_the_pause_does_not_ask_redis_again(
    make_redis: Callable[..., RedisServer],
) -> None:
    server = make_redis()
    with server.client() as client:
        Governor(client, Quota()).heard(asker(), IN_A_WHILE)
        other = Governor(client, Quota(), patience=0.0)
        assert waits(other, asker()) >= 89
        server.kill()
        assert waits(other, asker("u1")) >= 88, "and Redis's end does not end the pause"


class Google:
    """A source that answers what it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fault: CalendarError | None = None

    def calendars(self, access: AccessToken) -> list[Any]:
        self.asked.append(access.subject)
        if self.fault is not None:
            raise self.fault
        return []


def governed(redis: Redis | None, **given: Any) -> tuple[Google, GovernedCalendars]:
    google = Google()
    governor = Governor(redis, Quota(), patience=0.0, **given)
    return google, GovernedCalendars(cast(CalendarSource, google), governor)


def ask(calendars: GovernedCalendars, accesses: list[AccessToken]) -> list[str]:
    """The reasons of those that failed."""
    reasons = []
    for access in accesses:
        try:
            calendars.calendars(access)
        except CalendarError as error:
            reasons.append(error.reason)
    return reasons


def test_turns_taken_ahead_do_not_pass_the_pause(redis: Redis) -> None:
    google, calendars = governed(redis)
    many = [asker(f"u{number}") for number in range(150)]
    calendars.expect(many)
    google.fault = IN_A_WHILE
    assert ask(calendars, many) == ["rateLimitExceeded", *["governed"] * 149]
    assert google.asked == ["u0"]
    google.fault = None
    assert ask(calendars, [asker(client="reseller")]) == []


def test_after_the_pause_turns_taken_before_it_do_not_count(redis: Redis) -> None:
    google, calendars = governed(redis)
    many = [asker(f"u{number}") for number in range(10)]
    calendars.expect(many)
    google.fault = USER_TOO_FAST
    assert ask(calendars, many[:1]) == ["userRateLimitExceeded"]
    assert len(calendars._taken) == 9
    google.fault = TOO_FAST
    assert ask(calendars, many[1:2]) == ["rateLimitExceeded"]
    assert calendars._taken == {}


def test_another_workers_pause_ends_the_turns_taken_ahead(redis: Redis) -> None:
    google, calendars = governed(redis)
    many = [asker(f"u{number}") for number in range(10)]
    calendars.expect(many)
    Governor(redis, Quota()).heard(asker("elsewhere"), IN_A_WHILE)
    calendars.expect([asker("next")])  # with the next batch it is told
    assert set(ask(calendars, many)) == {"governed"}
    assert google.asked == []
