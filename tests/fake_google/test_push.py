"""Push channels: opened, delivered, repeated, lost, delayed, ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest

from example_app.fake_google.process import LocalGoogle

from .conftest import JAN, T0, Api, at, reason
from .receiver import Receiver, eventually

WATCH = "/calendars/primary/events/watch"


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def watch(api: Api, hook: Receiver, **given: object) -> dict:
    body = {"id": "c-1", "type": "web_hook", "address": hook.url, "token": "secret", **given}
    answer = api.call("POST", WATCH, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def edit(google: LocalGoogle) -> None:
    google.add_event(JAN, "x", "2026-03-03T10:00:00Z", "2026-03-03T11:00:00Z")


def test_the_sync_message_comes_before_the_answer_and_changes_after_it(
    google: LocalGoogle, api: Api, hook: Receiver
) -> None:
    channel = watch(api, hook)
    assert hook.states() == ["sync"], "it was there before the answer"
    headers, body = hook.messages[0]
    assert body == b""
    assert headers["x-goog-channel-id"] == "c-1"
    assert headers["x-goog-channel-token"] == "secret"
    assert headers["x-goog-message-number"] == "1"
    assert headers["x-goog-resource-id"] == channel["resourceId"]
    assert headers["x-goog-resource-uri"] == channel["resourceUri"]
    ends = parsedate_to_datetime(headers["x-goog-channel-expiration"]).timestamp()
    assert ends == int(channel["expiration"]) // 1_000
    assert abs(ends - T0.timestamp() - 604_800) < 30
    for _ in range(3):
        edit(google)
    hook.wait(4)
    assert hook.states() == ["sync", "exists", "exists", "exists"]
    numbers = sorted(int(one["x-goog-message-number"]) for one, _ in hook.messages)
    assert numbers == sorted(set(numbers))
    api.make(summary="y", start=at("2026-03-03T10:00"), end=at("2026-03-03T11:00"))
    hook.wait(5)


def test_stop_ends_it_and_only_its_own_resource_id_stops_it(
    google: LocalGoogle, api: Api, hook: Receiver
) -> None:
    channel = watch(api, hook)
    wrong = api.call("POST", "/channels/stop", {"id": "c-1", "resourceId": "x"})
    assert wrong.status_code == 404
    stop = {"id": "c-1", "resourceId": channel["resourceId"]}
    assert api.call("POST", "/channels/stop", stop).status_code == 204
    assert api.call("POST", "/channels/stop", stop).status_code == 404
    edit(google)
    time.sleep(0.1)
    assert hook.states() == ["sync"]


def test_a_channel_expires_by_the_server_s_clock(
    google: LocalGoogle, api: Api, hook: Receiver
) -> None:
    channel = watch(api, hook, params={"ttl": "60"})
    assert 0 < int(channel["expiration"]) / 1_000 - T0.timestamp() <= 90
    google.clock(advance=61)
    edit(google)
    time.sleep(0.1)
    assert hook.states() == ["sync"]
    assert google.control("GET", "channels")["channels"] == []


def test_temporary_answers_are_tried_again_and_others_are_not(
    google: LocalGoogle, api: Api, hook: Receiver
) -> None:
    google.control("POST", "settings", {"push_retry_seconds": 0.01})
    watch(api, hook)
    hook.statuses += [500, 502, 503, 504, 204]
    edit(google)
    hook.wait(6)
    numbers = {headers["x-goog-message-number"] for headers, _ in hook.messages[1:]}
    assert len(numbers) == 1, "it is the same message each time"
    hook.statuses += [404]
    edit(google)
    hook.wait(7)
    time.sleep(0.1)
    assert len(hook.messages) == 7


def test_messages_are_lost_doubled_and_late_when_told_so(
    google: LocalGoogle, api: Api, hook: Receiver
) -> None:
    watch(api, hook)
    google.fault("push_loss", endpoint="push.delivery", count=1)
    edit(google)
    eventually(lambda: google.control("GET", "faults")["faults"][0]["used"] == 1)
    time.sleep(0.05)
    assert len(hook.messages) == 1
    google.clear_faults()
    google.fault("push_duplicate", copies=3, count=1)
    edit(google)
    hook.wait(4)
    google.clear_faults()
    google.fault("push_delay", seconds=0.4, count=1)
    began = time.monotonic()
    edit(google)
    hook.wait(5)
    assert time.monotonic() - began >= 0.4


def test_what_google_refuses(google: LocalGoogle, api: Api, hook: Receiver) -> None:
    good = {"id": "c-1", "type": "web_hook", "address": hook.url}

    def refused(**changes: object) -> str:
        answer = api.call("POST", WATCH, {**good, **changes})
        assert answer.status_code == 400, answer.text
        return reason(answer)

    assert refused(address="http://example.org/hook") == "push.webhookUrlNotHttps"
    assert refused(address="nonsense") == "push.webhookUrlNotHttps"
    assert refused(id="a b") == "invalid"
    assert refused(id="x" * 65) == "invalid"
    assert refused(token="x" * 257) == "invalid"
    assert refused(type="email") == "channelUnknown"
    assert refused(expiration="1000") == "invalid"
    watch(api, hook)
    assert refused() == "channelIdNotUnique"
    google.change_calendar(JAN, push=False)
    assert refused(id="c-2") == "pushNotSupportedForRequestedResource"
    google.fault("notACalendarUser", endpoint="events.watch")
    answer = api.call("POST", WATCH, good)
    assert (answer.status_code, reason(answer)) == (403, "notACalendarUser")


def test_one_can_wait_until_all_is_delivered(google: LocalGoogle, api: Api, hook: Receiver) -> None:
    watch(api, hook)
    google.fault("push_delay", seconds=0.3)
    for _ in range(5):
        edit(google)
    assert google.settle(0.01) == 5
    assert google.settle() == 0
    assert len(hook.messages) == 6


def test_two_channels_on_one_calendar_both_hear(
    google: LocalGoogle, api: Api, hook: Receiver
) -> None:
    watch(api, hook)
    google.fault("push_after_answer", endpoint="events.watch")
    watch(api, hook, id="c-2")
    hook.wait(2)
    edit(google)
    hook.wait(4)
    heard = sorted(headers["x-goog-channel-id"] for headers, _ in hook.messages[2:])
    assert heard == ["c-1", "c-2"]


def test_channels_survive_a_restart(tmp_path, hook: Receiver) -> None:
    google = LocalGoogle(tmp_path / "google.sqlite").start()
    google.add_account(JAN)
    api = Api(google, JAN)
    watch(api, hook)
    api.http.close()
    google.stop()
    google.start()
    edit(google)
    try:
        hook.wait(2)
        assert hook.states() == ["sync", "exists"]
    finally:
        google.stop()
