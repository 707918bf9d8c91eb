"""What a role, a scope and a private event let an account see; what may be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from example_app.fake_google.process import LocalGoogle

from .conftest import JAN, Api, at, day, reason

EVA = "eva@bakery.example"
TEAM = "team@group.example"


@pytest.fixture
def eva(google: LocalGoogle, as_user: Callable[..., Api]) -> Api:
    google.add_account(EVA)
    google.add_calendar(TEAM, JAN, summary="Team", timeZone="Europe/Lisbon")
    for title, visibility in (("0612345678", "default"), ("secret", "private")):
        google.add_event(
            TEAM,
            title,
            "2026-03-03T10:00:00Z",
            "2026-03-03T11:00:00Z",
            visibility=visibility,
            description="d",
            attendees=[{"email": EVA}],
        )
    return as_user(EVA)


@pytest.mark.parametrize(
    ("role", "titles"),
    [
        ("owner", ["0612345678", "secret"]),
        ("writer", ["0612345678", "secret"]),
        ("writerWithoutPrivateAccess", ["0612345678", None]),
        ("reader", ["0612345678", None]),
        ("freeBusyReader", [None, None]),
    ],
)
def test_who_sees_which_titles(
    google: LocalGoogle, eva: Api, role: str, titles: list[str | None]
) -> None:
    google.set_role(TEAM, EVA, role)
    answer = eva.events(TEAM)
    assert [item.get("summary") for item in answer["items"]] == titles
    assert (answer["accessRole"], answer["timeZone"]) == (role, "Europe/Lisbon")
    hidden = [item for item in answer["items"] if "summary" not in item]
    assert all({"description", "attendees", "organizer"}.isdisjoint(item) for item in hidden)
    assert eva.get(f"/users/me/calendarList/{TEAM}")["accessRole"] == role
    written = eva.call(
        "POST", f"/calendars/{TEAM}/events", {"start": day("2026-03-03"), "end": day("2026-03-04")}
    )
    assert (written.status_code == 200) == (role.startswith("writer") or role == "owner")


def test_a_calendar_without_access_does_not_exist(google: LocalGoogle, eva: Api) -> None:
    for path in (
        f"/calendars/{TEAM}/events",
        f"/users/me/calendarList/{TEAM}",
        f"/calendars/{TEAM}",
    ):
        assert reason(eva.call("GET", path)) == "notFound"
    google.set_role(TEAM, EVA, "reader")
    assert eva.call("GET", f"/calendars/{TEAM}/events").status_code == 200
    google.set_role(TEAM, EVA, "none")
    assert eva.call("GET", f"/calendars/{TEAM}/events").status_code == 404
    assert [one["id"] for one in eva.get("/users/me/calendarList")["items"]] == [EVA]


def test_the_calendar_list_can_be_narrowed(google: LocalGoogle, eva: Api) -> None:
    google.set_role(TEAM, EVA, "reader")
    assert len(eva.get("/users/me/calendarList")["items"]) == 2
    owned = eva.get("/users/me/calendarList", minAccessRole="owner")
    assert [one["id"] for one in owned["items"]] == [EVA]
    page = eva.get("/users/me/calendarList", maxResults=1)
    rest = eva.get("/users/me/calendarList", maxResults=1, pageToken=page["nextPageToken"])
    assert [one["id"] for one in page["items"] + rest["items"]] == [EVA, TEAM]
    assert rest["items"][0]["dataOwner"] == JAN


def test_scopes_open_what_the_discovery_document_says(as_user: Callable[..., Api]) -> None:
    root = "https://www.googleapis.com/auth/"
    lister = as_user(JAN, f"openid {root}calendar.calendarlist.readonly")
    assert lister.call("GET", "/users/me/calendarList").status_code == 200
    refused = lister.call("GET", "/calendars/primary/events")
    assert (refused.status_code, reason(refused)) == (403, "insufficientPermissions")
    reader = as_user(JAN, f"openid {root}calendar.events.readonly")
    assert reader.call("GET", "/calendars/primary/events").status_code == 200
    assert reader.call("POST", "/calendars/primary/events", {}).status_code == 403
    reader.http.headers["Authorization"] = "Bearer nonsense"
    unknown = reader.call("GET", "/calendars/primary/events")
    assert (unknown.status_code, reason(unknown)) == (401, "authError")


def test_self_is_whoever_the_calendar_belongs_to(google: LocalGoogle, api: Api) -> None:
    others = [{"email": f"guest{number}@x.example"} for number in range(3)]
    made = api.make(
        summary="0612345678",
        start=at("2026-03-03T10:00"),
        end=at("2026-03-03T11:00"),
        organizer={"email": "stranger@x.example"},
        attendees=[*others, {"email": JAN, "responseStatus": "declined"}],
    )
    assert "self" not in made["organizer"]
    assert [one.get("self", False) for one in made["attendees"]] == [False, False, False, True]
    short = api.get(f"/calendars/primary/events/{made['id']}", maxAttendees=1)
    assert [one["responseStatus"] for one in short["attendees"]] == ["declined"]
    assert short["attendeesOmitted"] is True
    own = api.make(summary="x", start=at("2026-03-03T10:00"), end=at("2026-03-03T11:00"))
    assert own["organizer"]["self"] is True


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "required"),
        ({"start": at("2026-03-03T10:00")}, "required"),
        ({"start": at("2026-03-03T10:00"), "end": day("2026-03-04")}, "invalid"),
        ({"start": at("2026-03-03T10:00"), "end": at("2026-03-03T09:00")}, "timeRangeEmpty"),
        ({"start": day("2026-03-03"), "end": day("2026-03-03")}, "timeRangeEmpty"),
        ({"start": at("2026-03-03T10:00", "Mars/Base"), "end": at("2026-03-03T11:00")}, "invalid"),
        ({"start": {"dateTime": "2026-03-03T10:00:00"}, "end": at("2026-03-03T11:00")}, "required"),
        (
            {
                "start": {"dateTime": "2026-03-03T10:00:00Z"},
                "end": {"dateTime": "2026-03-03T11:00:00Z"},
                "recurrence": ["RRULE:FREQ=DAILY"],
            },
            "required",
        ),
        ({"start": day("x"), "end": day("2026-03-03")}, "invalid"),
        ({"id": "UPPER", "start": day("2026-03-03"), "end": day("2026-03-04")}, "invalid"),
    ],
)
def test_events_that_google_refuses(api: Api, body: dict, why: str) -> None:
    answer = api.call("POST", "/calendars/primary/events", body)
    assert (answer.status_code, reason(answer)) == (400, why)


def test_a_zero_length_event_is_allowed_and_an_id_is_used_once(api: Api) -> None:
    ten = at("2026-03-03T10:00")
    body: dict[str, Any] = {"id": "abcde", "start": ten, "end": ten}
    assert api.make(**body)["id"] == "abcde"
    again = api.call("POST", "/calendars/primary/events", body)
    assert (again.status_code, reason(again)) == (409, "duplicate")


def test_an_entity_tag_guards_a_change_and_saves_a_read(api: Api) -> None:
    made = api.make(summary="x", start=day("2026-03-03"), end=day("2026-03-04"))
    path = f"/calendars/primary/events/{made['id']}"
    seen = api.http.get(path, headers={"If-None-Match": made["etag"]})
    assert seen.status_code == 304
    changed = api.http.patch(path, json={"summary": "y"}, headers={"If-Match": made["etag"]})
    assert changed.status_code == 200
    late = api.http.patch(path, json={"summary": "z"}, headers={"If-Match": made["etag"]})
    assert (late.status_code, reason(late)) == (412, "conditionNotMet")


@pytest.mark.parametrize(
    "bad", ["items(", "items(id", "nonsense", "items/nonsense", "items(id)x", ",", "items()"]
)
def test_a_selector_that_google_does_not_know_is_refused(api: Api, bad: str) -> None:
    answer = api.call("GET", "/calendars/primary/events", fields=bad)
    assert (answer.status_code, reason(answer)) == (400, "invalidParameter")


def test_selectors_in_every_spelling(api: Api) -> None:
    api.make(summary="x", start=at("2026-03-03T10:00"), end=at("2026-03-03T11:00"))

    def shown(text: str) -> dict[str, Any]:
        return api.get("/calendars/primary/events", fields=text)

    start = {"dateTime": "2026-03-03T10:00:00+01:00"}
    assert shown("items/summary") == {"items": [{"summary": "x"}]}
    assert shown("items(summary,start/dateTime)") == {"items": [{"summary": "x", "start": start}]}
    assert shown("kind,items(start(dateTime))") == {
        "kind": "calendar#events",
        "items": [{"start": start}],
    }
    assert set(shown("*")) == set(api.get("/calendars/primary/events"))


@pytest.mark.parametrize(
    "params",
    [
        {"timeMin": "2026-03-03"},
        {"timeMin": "2026-03-03T10:00:00"},
        {"maxResults": 0},
        {"maxResults": "x"},
        {"singleEvents": "yes"},
        {"orderBy": "startTime"},
        {"orderBy": "x"},
        {"timeZone": "Mars/Base"},
        {"timeMin": "2026-03-03T10:00:00Z", "timeMax": "2026-03-03T10:00:00Z"},
    ],
)
def test_parameters_that_google_refuses(api: Api, params: dict) -> None:
    assert api.call("GET", "/calendars/primary/events", **params).status_code == 400


def test_the_window_s_edges_are_exclusive(api: Api) -> None:
    api.make(summary="x", start=at("2026-03-03T10:00"), end=at("2026-03-03T11:00"))

    def found(**window: str) -> int:
        return len(api.events(**window)["items"])

    assert found(timeMin="2026-03-03T10:00:00Z") == 0
    assert found(timeMin="2026-03-03T09:59:59Z") == 1
    assert found(timeMax="2026-03-03T09:00:00Z") == 0
    assert found(timeMax="2026-03-03T09:00:01Z") == 1
    shown = api.events(timeZone="America/New_York")["items"][0]
    assert shown["start"]["dateTime"] == "2026-03-03T04:00:00-05:00"


def test_a_closed_account_takes_its_calendars_along(
    google: LocalGoogle, eva: Api, api: Api
) -> None:
    google.set_role(TEAM, EVA, "reader")
    assert eva.call("GET", f"/calendars/{TEAM}/events").status_code == 200
    google.delete_account(JAN)
    assert eva.call("GET", f"/calendars/{TEAM}/events").status_code == 404
    assert [one["id"] for one in eva.get("/users/me/calendarList")["items"]] == [EVA]
    assert api.call("GET", "/users/me/calendarList").status_code == 401


def test_a_calendar_can_be_hidden_renamed_and_taken_off_the_list(
    google: LocalGoogle, eva: Api
) -> None:
    google.set_role(TEAM, EVA, "reader")
    google.change_entry(EVA, TEAM, hidden=True, summaryOverride="Our team")
    assert [one["id"] for one in eva.get("/users/me/calendarList")["items"]] == [EVA]
    hidden = eva.get("/users/me/calendarList", showHidden=True)["items"][1]
    assert (hidden["hidden"], hidden["summaryOverride"]) == (True, "Our team")
    google.change_entry(EVA, TEAM, hidden=False, deleted=True)
    assert len(eva.get("/users/me/calendarList")["items"]) == 1
    gone = eva.get("/users/me/calendarList", showDeleted=True)["items"][1]
    assert gone["deleted"] is True
    assert eva.call("GET", f"/users/me/calendarList/{TEAM}").status_code == 404
    assert eva.call("GET", f"/calendars/{TEAM}/events").status_code == 200
