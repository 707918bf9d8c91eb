"""The fault switchboard, the quota, the log: each lever does what its name says."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from example_app.fake_google.faults import KINDS, REFUSALS
from example_app.fake_google.process import LocalGoogle

from .conftest import JAN, Api, reason

EVENTS = "/calendars/primary/events"


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("rateLimitExceeded", 403, "rateLimitExceeded"),
        ("userRateLimitExceeded", 403, "userRateLimitExceeded"),
        ("quotaExceeded", 403, "quotaExceeded"),
        ("tooManyRequests", 429, "rateLimitExceeded"),
        ("insufficientPermissions", 403, "insufficientPermissions"),
        ("authError", 401, "authError"),
        ("backendError", 500, "backendError"),
        ("serviceUnavailable", 503, "backendError"),
        ("fullSyncRequired", 410, "fullSyncRequired"),
        ("updatedMinTooLongAgo", 410, "updatedMinTooLongAgo"),
        ("notFound", 404, "notFound"),
    ],
)
def test_refusals_come_as_often_as_asked_and_then_stop(
    google: LocalGoogle, api: Api, kind: str, status: int, code: str
) -> None:
    google.fault(kind, endpoint="events.list", count=2)
    for _ in range(2):
        answer = api.call("GET", EVENTS)
        assert (answer.status_code, reason(answer)) == (status, code)
    assert api.call("GET", EVENTS).status_code == 200
    usage = REFUSALS.get(kind, ("", "", "", ""))[3] == "usageLimits"
    assert usage == (
        kind in ("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "tooManyRequests")
    )


def test_retry_after_and_errors_of_one_s_own(google: LocalGoogle, api: Api) -> None:
    google.fault("tooManyRequests", retry_after=9, count=1)
    assert api.call("GET", EVENTS).headers["Retry-After"] == "9"
    google.fault("error", status=418, reason="teapot", message="No.", count=1)
    answer = api.call("GET", EVENTS)
    assert (answer.status_code, reason(answer)) == (418, "teapot")


def test_patterns_narrow_a_rule(google: LocalGoogle, api: Api, as_user: Callable[..., Api]) -> None:
    google.add_account("eva@shop.example")
    eva = as_user("eva@shop.example")
    rule = google.fault("backendError", endpoint="events.*", account="*@shop.example")
    assert api.call("GET", EVENTS).status_code == 200
    assert eva.call("GET", EVENTS).status_code == 500
    assert eva.call("GET", "/users/me/calendarList").status_code == 200
    google.control("DELETE", f"faults/{rule}")
    google.add_calendar("team@group.example", JAN)
    google.fault("backendError", calendar="team@*")
    assert api.call("GET", EVENTS).status_code == 200
    assert api.call("GET", "/calendars/team@group.example/events").status_code == 500
    google.clear_faults()
    google.fault("backendError", calendar=JAN)
    assert api.call("GET", EVENTS).status_code == 500, "primary is the account's own address"


def test_some_pass_first_and_some_by_chance(google: LocalGoogle, api: Api) -> None:
    google.fault("backendError", endpoint="events.list", skip=2, count=1)
    assert [api.call("GET", EVENTS).status_code for _ in range(4)] == [200, 200, 500, 200]
    google.clear_faults()
    google.fault("backendError", endpoint="events.list", probability=0.5)
    seen = [api.call("GET", EVENTS).status_code for _ in range(60)]
    assert 10 < seen.count(500) < 50


def test_a_damaged_transport(google: LocalGoogle, api: Api) -> None:
    google.fault("latency", seconds=0.3, count=1)
    began = time.monotonic()
    assert api.call("GET", EVENTS).status_code == 200
    assert time.monotonic() - began >= 0.3
    google.fault("truncate", count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        api.call("GET", EVENTS)
    google.fault("reset", count=1)
    with pytest.raises(httpx.TransportError):
        api.call("GET", EVENTS)
    google.fault("html", status=502, count=1)
    page = api.call("GET", EVENTS)
    assert (page.status_code, page.headers["Content-Type"][:9]) == (502, "text/html")
    google.fault("html", status=200, count=1)
    assert api.call("GET", EVENTS).text.startswith("<!DOCTYPE")
    google.fault("hang", count=1)
    with pytest.raises(httpx.ReadTimeout):
        api.http.get(EVENTS, timeout=0.2)
    assert api.call("GET", EVENTS).status_code == 200


def test_metadata_and_keys_can_fail_too(google: LocalGoogle) -> None:
    for name, path in (
        ("openid-configuration", "/.well-known/openid-configuration"),
        ("certs", "/oauth2/v3/certs"),
        ("risc.certs", "/risc/certs"),
        ("risc.configuration", "/.well-known/risc-configuration"),
    ):
        google.fault("serviceUnavailable", endpoint=name, count=1)
        assert httpx.get(google.url + path).status_code == 503
        assert httpx.get(google.url + path).status_code == 200


def test_rules_that_make_no_sense_are_refused(google: LocalGoogle) -> None:
    for rule in ({"kind": "x"}, {}, {"kind": "error", "count": "x", "id": 3}):
        answer = httpx.post(f"{google.url}/_control/faults", json=rule)
        if rule.get("count"):
            google.clear_faults()
        else:
            assert answer.status_code == 400
    assert len(KINDS) > 25
    assert google.control("GET", "faults")["faults"] == []


def test_the_quota_slides_over_a_minute(
    google: LocalGoogle, api: Api, as_user: Callable[..., Api]
) -> None:
    google.add_account("eva@shop.example")
    eva = as_user("eva@shop.example")
    google.control("POST", "settings", {"per_minute": 6, "per_user_minute": 4})
    google.clock(freeze=True)
    assert [api.call("GET", EVENTS).status_code for _ in range(5)] == [200] * 4 + [403]
    assert reason(api.call("GET", EVENTS)) == "userRateLimitExceeded"
    assert [eva.call("GET", EVENTS).status_code for _ in range(3)] == [200, 200, 403]
    assert reason(eva.call("GET", EVENTS)) == "rateLimitExceeded"
    google.clock(advance=60)
    assert api.call("GET", EVENTS).status_code == 200
    assert google.counters()["peak_minute"] == 6


def test_the_log_says_who_asked_what(google: LocalGoogle, api: Api) -> None:
    api.call("GET", EVENTS, maxResults=7)
    api.call("GET", "/calendars/unknown/events")
    first, second = google.requests("events.list")
    assert (first["account"], first["calendar"], first["status"]) == (JAN, JAN, 200)
    assert "maxResults=7" in first["path"]
    assert (second["status"], second["reason"]) == (404, "notFound")
    counters = google.counters()
    assert counters["endpoints"] == {"events.list": 2}
    assert counters["statuses"] == {"events.list 200": 1, "events.list 404": 1}
    google.clear_log()
    assert google.counters()["total"] == 0


def test_the_clock_goes_forward_and_stands_still(google: LocalGoogle) -> None:
    google.clock(now="2026-05-01T12:00:00+02:00", freeze=True)
    assert google.clock()["now"] == "2026-05-01T10:00:00+00:00"
    google.clock(advance=90)
    assert google.clock()["now"] == "2026-05-01T10:01:30+00:00"
    google.clock(freeze=False)
    assert google.clock()["frozen"] is False
    google.clock(reset=True)
    assert abs(google.clock()["offset_seconds"]) < 1


def test_ten_thousand_calendars_in_one_call_and_a_change_in_each(google: LocalGoogle) -> None:
    rows = google.bulk(2_000, events=1)
    assert len({row["calendar"] for row in rows}) == 2_000
    row = rows[1_234]
    with httpx.Client(base_url=f"{google.url}/calendar/v3") as http:
        http.headers["Authorization"] = f"Bearer {row['access_token']}"
        path = f"/calendars/{row['calendar']}/events"
        first = http.get(path).json()
        assert len(first["items"]) == 1
        google.touch([one["calendar"] for one in rows], summary="333")
        delta = http.get(path, params={"syncToken": first["nextSyncToken"]}).json()
        assert [one["summary"] for one in delta["items"]] == ["333"]


def test_the_switchboard_is_for_this_machine_and_its_own_pages(google: LocalGoogle) -> None:
    url = f"{google.url}/_control/state"
    assert httpx.get(url).status_code == 200
    assert httpx.get(url, headers={"Host": "evil.example"}).status_code == 403
    assert httpx.get(url, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_control_token_closes_it_to_everybody_else() -> None:
    google = LocalGoogle(control_token="let-me-in")
    with google:
        assert httpx.get(f"{google.url}/_control/state").status_code == 401
        assert google.control("GET", "state")["accounts"] == []
