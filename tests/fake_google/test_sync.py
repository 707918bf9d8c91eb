"""Sync tokens, deltas, tombstones and pages, as Google's guides describe them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from example_app.fake_google.process import LocalGoogle

from .conftest import JAN, Api, at, day, reason

WEEKLY: dict[str, Any] = {"recurrence": ["RRULE:FREQ=WEEKLY"]}


def sync(api: Api, token: str, **params: Any) -> tuple[list[dict], str]:
    answer = api.events(syncToken=token, **params)
    return answer["items"], answer["nextSyncToken"]


def test_a_delta_holds_only_what_changed_and_the_next_one_is_empty(api: Api) -> None:
    kept = api.make(summary="A", start=at("2026-03-03T10:00"), end=at("2026-03-03T11:00"))
    token = api.events()["nextSyncToken"]
    made = api.make(summary="B", start=at("2026-03-04T10:00"), end=at("2026-03-04T11:00"))
    items, token = sync(api, token)
    assert [item["id"] for item in items] == [made["id"]]
    api.call("PATCH", f"/calendars/primary/events/{kept['id']}", {"summary": "C"})
    items, token = sync(api, token)
    assert [item["summary"] for item in items] == ["C"]
    assert sync(api, token)[0] == []


def test_a_deleted_event_comes_as_a_tombstone_with_nothing_but_its_id(api: Api) -> None:
    made = api.make(summary="A", start=at("2026-03-03T10:00"), end=at("2026-03-03T11:00"))
    token = api.events()["nextSyncToken"]
    path = f"/calendars/primary/events/{made['id']}"
    assert api.call("DELETE", path).status_code == 204
    items, _ = sync(api, token)
    assert [set(item) for item in items] == [{"kind", "etag", "id", "status"}]
    assert items[0]["status"] == "cancelled"
    assert api.events()["items"] == []
    assert len(api.events(showDeleted=True)["items"]) == 1
    assert reason(api.call("DELETE", path)) == "deleted"
    assert api.call("DELETE", path).status_code == 410


@pytest.mark.parametrize(
    "extra",
    [
        {"timeMin": "2026-03-01T00:00:00Z"},
        {"timeMax": "2026-03-09T00:00:00Z"},
        {"updatedMin": "2026-03-01T00:00:00Z"},
        {"orderBy": "updated"},
        {"q": "0612"},
        {"iCalUID": "x@google.com"},
        {"privateExtendedProperty": "a=b"},
        {"sharedExtendedProperty": "a=b"},
        {"showDeleted": "false"},
    ],
)
def test_what_may_not_stand_beside_a_sync_token(api: Api, extra: dict[str, str]) -> None:
    token = api.events()["nextSyncToken"]
    answer = api.call("GET", "/calendars/primary/events", syncToken=token, **extra)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"singleEvents": True},
        {"maxAttendees": 1},
        {"fields": "items(id)"},
        {"eventTypes": "default"},
    ],
)
def test_the_other_parameters_must_stay_as_they_were(api: Api, changed: dict) -> None:
    token = api.events()["nextSyncToken"]
    answer = api.call("GET", "/calendars/primary/events", syncToken=token, **changed)
    assert answer.status_code == 400


@pytest.mark.parametrize("token", ["", "nonsense", "CPDAlvWDx70CEPDAlvWDx70CGAU="])
def test_a_token_that_was_never_given_is_gone(api: Api, token: str) -> None:
    answer = api.call("GET", "/calendars/primary/events", syncToken=token)
    assert answer.status_code == 410
    assert reason(answer) == "fullSyncRequired"


def test_tokens_end_by_order_by_age_and_by_a_change_of_access(
    google: LocalGoogle, as_user: Callable[..., Api]
) -> None:
    calendar = google.add_calendar("team@group.example", JAN)
    google.add_account("eva@bakery.example")
    google.set_role(calendar, "eva@bakery.example", "reader")
    eva = as_user("eva@bakery.example")
    path = f"/calendars/{calendar}/events"

    token = eva.events(calendar)["nextSyncToken"]
    google.expire_sync_tokens(calendar)
    assert eva.call("GET", path, syncToken=token).status_code == 410

    token = eva.events(calendar)["nextSyncToken"]
    google.set_role(calendar, "eva@bakery.example", "freeBusyReader")
    assert eva.call("GET", path, syncToken=token).status_code == 410

    token = eva.events(calendar)["nextSyncToken"]
    google.control("POST", "settings", {"sync_token_seconds": 1_800})
    google.clock(advance=1_801)
    assert eva.call("GET", path, syncToken=token).status_code == 410


def test_pages_are_cut_as_asked_and_hold_still_while_events_change(api: Api) -> None:
    for number in range(7):
        api.make(summary=str(number), start=at("2026-03-03T10:00"), end=at("2026-03-03T11:00"))
    first = api.get("/calendars/primary/events", maxResults=3)
    assert len(first["items"]) == 3
    assert "nextSyncToken" not in first
    late = api.make(summary="late", start=at("2026-03-03T10:00"), end=at("2026-03-03T11:00"))
    second = api.get("/calendars/primary/events", maxResults=3, pageToken=first["nextPageToken"])
    again = api.get("/calendars/primary/events", maxResults=3, pageToken=first["nextPageToken"])
    assert second == {**again, "updated": second["updated"], "etag": second["etag"]}
    third = api.get("/calendars/primary/events", maxResults=3, pageToken=second["nextPageToken"])
    seen = [item["summary"] for page in (first, second, third) for item in page["items"]]
    assert seen == [str(number) for number in range(7)]
    items, _ = sync(api, third["nextSyncToken"])
    assert [item["id"] for item in items] == [late["id"]]


def test_a_page_token_belongs_to_its_query(api: Api) -> None:
    for _ in range(3):
        api.make(summary="x", start=at("2026-03-03T10:00"), end=at("2026-03-03T11:00"))
    page = api.get("/calendars/primary/events", maxResults=1)
    other = {"pageToken": page["nextPageToken"], "singleEvents": True}
    assert api.call("GET", "/calendars/primary/events", **other).status_code == 400
    assert api.call("GET", "/calendars/primary/events", pageToken="x").status_code == 400


def test_an_empty_page_can_be_followed_by_more(google: LocalGoogle, api: Api) -> None:
    api.make(summary="x", start=at("2026-03-03T10:00"), end=at("2026-03-03T11:00"))
    google.fault("empty_page", endpoint="events.list", count=2)
    first = api.get("/calendars/primary/events")
    assert first["items"] == []
    assert first["nextPageToken"]
    assert [item["summary"] for item in api.events()["items"]] == ["x"]


def test_a_delta_forgets_the_window_of_the_first_list(api: Api) -> None:
    window = {"timeMin": "2026-03-01T00:00:00Z", "timeMax": "2026-03-08T00:00:00Z"}
    answer = api.events(**window)
    far = api.make(summary="far", start=at("2031-03-03T10:00"), end=at("2031-03-03T11:00"))
    assert [item["id"] for item in sync(api, answer["nextSyncToken"])[0]] == [far["id"]]
    assert api.events(**window)["items"] == []


def test_a_touched_endless_series_comes_back_with_every_instance(
    google: LocalGoogle, api: Api
) -> None:
    series = api.make(
        summary="0612345678",
        start=at("2026-03-02T18:00"),
        end=at("2026-03-02T19:00"),
        recurrence=["RRULE:FREQ=DAILY"],
    )
    window = {"timeMin": "2026-03-02T00:00:00Z", "timeMax": "2026-03-09T00:00:00Z"}
    first = api.events(singleEvents=True, **window)
    assert len(first["items"]) == 7
    api.call("PATCH", f"/calendars/primary/events/{series['id']}", {"summary": "0612345679"})
    items, _ = sync(api, first["nextSyncToken"], singleEvents=True)
    assert len(items) == 730
    google.fault("blow_up", endpoint="events.list")
    items, _ = sync(api, first["nextSyncToken"], singleEvents=True, maxResults=2_500)
    assert len(items) > 26_000
    assert items[-1]["start"]["dateTime"].startswith("2099-12-3")


def test_a_deleted_series_reports_about_six_months_of_its_instances(api: Api) -> None:
    series = api.make(
        summary="x", start=at("2026-03-02T18:00"), end=at("2026-03-02T19:00"), **WEEKLY
    )
    token = api.events(singleEvents=True)["nextSyncToken"]
    api.call("DELETE", f"/calendars/primary/events/{series['id']}")
    items, _ = sync(api, token, singleEvents=True)
    assert 25 <= len(items) <= 28
    assert {item["status"] for item in items} == {"cancelled"}
    assert {item["recurringEventId"] for item in items} == {series["id"]}
    assert max(item["originalStartTime"]["dateTime"] for item in items) < "2026-09-03"
    whole = api.events()["nextSyncToken"]
    assert sync(api, whole)[0] == []


def test_a_cancelled_instance_has_ids_only_and_a_moved_one_keeps_its_original_start(
    api: Api,
) -> None:
    series = api.make(
        summary="x", start=at("2026-03-02T18:00"), end=at("2026-03-02T19:00"), **WEEKLY
    )
    first = api.events(
        singleEvents=True, timeMin="2026-03-01T00:00:00Z", timeMax="2026-04-01T00:00:00Z"
    )
    ids = [item["id"] for item in first["items"]]
    assert ids[0] == f"{series['id']}_20260302T170000Z"
    api.call("DELETE", f"/calendars/primary/events/{ids[1]}")
    moved = {"start": at("2026-03-17T09:00"), "end": at("2026-03-17T10:00")}
    api.call("PATCH", f"/calendars/primary/events/{ids[2]}", moved)
    gone, changed = sync(api, first["nextSyncToken"], singleEvents=True)[0]
    assert set(gone) == {"kind", "etag", "id", "status", "recurringEventId", "originalStartTime"}
    assert changed["start"]["dateTime"] == "2026-03-17T09:00:00+01:00"
    assert changed["originalStartTime"]["dateTime"] == "2026-03-16T18:00:00+01:00"
    listed = api.events(
        singleEvents=True,
        timeMin="2026-03-01T00:00:00Z",
        timeMax="2026-04-01T00:00:00Z",
        orderBy="startTime",
    )
    assert [item["start"]["dateTime"][:16] for item in listed["items"]] == [
        "2026-03-02T18:00",
        "2026-03-17T09:00",
        "2026-03-23T18:00",
        "2026-03-30T18:00",
    ]
    as_series = api.events()["items"]
    assert sorted(item["status"] for item in as_series) == ["cancelled", "confirmed", "confirmed"]


def test_a_shortened_series_reports_the_instances_that_it_lost(api: Api) -> None:
    series = api.make(
        summary="x", start=at("2026-03-02T18:00"), end=at("2026-03-02T19:00"), **WEEKLY
    )
    token = api.events(singleEvents=True)["nextSyncToken"]
    api.call(
        "PATCH",
        f"/calendars/primary/events/{series['id']}",
        {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20260316T170000Z"]},
    )
    items, _ = sync(api, token, singleEvents=True)
    live = [item for item in items if item["status"] == "confirmed"]
    gone = [item for item in items if item["status"] == "cancelled"]
    assert [item["start"]["dateTime"][:10] for item in live] == [
        "2026-03-02",
        "2026-03-09",
        "2026-03-16",
    ]
    assert gone[0]["originalStartTime"]["dateTime"] == "2026-03-23T18:00:00+01:00"


def test_an_instance_that_comes_back_is_no_longer_reported_as_gone(api: Api) -> None:
    series = api.make(
        summary="x", start=at("2026-03-02T18:00"), end=at("2026-03-02T19:00"), **WEEKLY
    )
    token = api.events(singleEvents=True)["nextSyncToken"]
    path = f"/calendars/primary/events/{series['id']}"
    api.call("PATCH", path, {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=1"]})
    api.call("PATCH", path, {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]})
    items, _ = sync(api, token, singleEvents=True)
    assert [item["status"] for item in items][:3] == ["confirmed"] * 3
    gone = {item["originalStartTime"]["dateTime"][:10] for item in items[3:]}
    assert "2026-03-23" in gone
    assert gone.isdisjoint({"2026-03-02", "2026-03-09", "2026-03-16"})


def test_a_moved_instance_ends_with_the_occurrence_it_replaces(api: Api) -> None:
    series = api.make(
        summary="x", start=at("2026-03-02T18:00"), end=at("2026-03-02T19:00"), **WEEKLY
    )
    path = f"/calendars/primary/events/{series['id']}"
    moved = f"{path}_20260316T170000Z"
    when = {"start": at("2026-03-17T09:00"), "end": at("2026-03-17T10:00")}
    assert api.call("PATCH", moved, when).status_code == 200
    token = api.events(singleEvents=True)["nextSyncToken"]
    api.call("PATCH", path, {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]})
    items, _ = sync(api, token, singleEvents=True)
    ends = [item["status"] for item in items if item["id"].endswith("20260316T170000Z")]
    assert set(ends) == {"cancelled"}
    assert len(api.events(singleEvents=True)["items"]) == 2


def test_no_sync_token_after_a_list_that_cannot_be_continued(api: Api) -> None:
    assert "nextSyncToken" not in api.events(singleEvents=True, orderBy="startTime")
    assert "nextSyncToken" not in api.events(q="x")
    assert "nextSyncToken" in api.events(timeMin="2026-03-01T00:00:00Z")


def test_the_calendar_list_has_deltas_too(google: LocalGoogle, api: Api) -> None:
    google.add_calendar("a@group.example", JAN, summary="A")
    first = api.get("/users/me/calendarList")
    assert [item["id"] for item in first["items"]] == [JAN, "a@group.example"]
    token = first["nextSyncToken"]
    google.add_calendar("b@group.example", JAN, summary="B")
    google.delete_calendar("a@group.example")
    delta = api.get("/users/me/calendarList", syncToken=token)
    assert {item["id"]: item.get("deleted", False) for item in delta["items"]} == {
        "a@group.example": True,
        "b@group.example": False,
    }
    assert api.call("GET", "/users/me/calendarList", syncToken="x").status_code == 410


def test_data_and_tokens_survive_a_power_cut(tmp_path) -> None:
    data = tmp_path / "google.sqlite"
    google = LocalGoogle(data).start()
    google.add_account(JAN)
    api = Api(google, JAN)
    for number in range(3):
        api.make(summary=str(number), start=day("2026-03-03"), end=day("2026-03-04"))
    page = api.get("/calendars/primary/events", maxResults=2)
    token = api.events()["nextSyncToken"]
    google.stop(kill=True)
    google.start()
    api.http.base_url = f"{google.url}/calendar/v3"
    try:
        rest = api.get("/calendars/primary/events", maxResults=2, pageToken=page["nextPageToken"])
        assert [item["summary"] for item in rest["items"]] == ["2"]
        assert sync(api, token)[0] == []
        api.make(summary="new", start=day("2026-03-03"), end=day("2026-03-04"))
        assert [item["summary"] for item in sync(api, token)[0]] == ["new"]
        assert google.violations() == []
    finally:
        api.http.close()
        google.stop()
