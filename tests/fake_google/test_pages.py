"""The pages that people use: calendar, form, switchboard, in two languages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from string import Formatter

import httpx
import pytest

import example_app.fake_google
from example_app.fake_google.i18n import choose
from example_app.fake_google.process import LocalGoogle

from .conftest import JAN

PLACE = {"account": JAN, "calendar": JAN}


@pytest.fixture
def browser(google: LocalGoogle) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=google.url, headers={"Accept-Language": "nl-NL,nl;q=0.9"}) as made:
        yield made


def titles(google: LocalGoogle) -> list[tuple[str, str]]:
    stored = google.control("GET", f"calendars/{JAN}/events")["events"]
    return [(one.get("summary", ""), one["status"]) for one in stored]


def save(browser: httpx.Client, **fields: str) -> httpx.Response:
    plain = {
        "title": "0612345678",
        "start": "2026-03-03T10:00",
        "end": "2026-03-03T11:00",
        "repeat": "none",
    }
    return browser.post("/calendar/save", data=PLACE | plain | fields)


def test_a_person_makes_changes_and_deletes_an_event(
    google: LocalGoogle, browser: httpx.Client
) -> None:
    assert save(browser).status_code == 303
    shown = browser.get("/calendar", params=PLACE).text
    assert "di 3 mrt 10:00 – 11:00" in shown
    (event,) = google.control("GET", f"calendars/{JAN}/events")["events"]
    assert event["start"] == {
        "dateTime": "2026-03-03T10:00:00+01:00",
        "timeZone": "Europe/Amsterdam",
    }
    form = browser.get("/calendar/edit", params={**PLACE, "event": event["id"]}).text
    assert 'value="2026-03-03T10:00"' in form
    assert (
        save(
            browser, event=event["id"], title="333", all_day="on", end="2026-03-04T00:00"
        ).status_code
        == 303
    )
    (event,) = google.control("GET", f"calendars/{JAN}/events")["events"]
    assert (event["summary"], event["start"], event["end"]) == (
        "333",
        {"date": "2026-03-03"},
        {"date": "2026-03-05"},
    )
    link = browser.get("/calendar/event", params={"eid": event["id"]})
    assert link.headers["Location"].startswith("/calendar/edit?")
    gone = browser.post("/calendar/delete", data={**PLACE, "event": event["id"]})
    assert gone.status_code == 303
    assert titles(google) == [("333", "cancelled")]


def test_a_series_is_made_and_one_instance_of_it_deleted(
    google: LocalGoogle, browser: httpx.Client
) -> None:
    save(browser, repeat="weekly")
    shown = browser.get("/calendar", params=PLACE).text
    assert shown.count("herhaalt</span>") == 2
    instance = re.findall(r'value="([0-9a-f]+_\w+)"', shown)[0]
    browser.post("/calendar/delete", data={**PLACE, "event": instance})
    assert browser.get("/calendar", params=PLACE).text.count("herhaalt</span>") == 1
    assert [status for _, status in titles(google)] == ["confirmed", "cancelled"]


def test_now_and_two_minutes(google: LocalGoogle, browser: httpx.Client) -> None:
    google.clock(now="2026-03-03T10:00:20+01:00", freeze=True)
    browser.post("/calendar/quick", data={**PLACE, "title": "333"})
    (event,) = google.control("GET", f"calendars/{JAN}/events")["events"]
    assert event["start"]["dateTime"] == "2026-03-03T10:01:00+01:00"
    assert event["end"]["dateTime"] == "2026-03-03T10:03:00+01:00"


@pytest.mark.parametrize(
    ("dates", "start", "end", "all_day"),
    [
        ("20260303T090000Z/20260303T100000Z", "2026-03-03T10:00", "2026-03-03T11:00", False),
        ("20260303T090000/20260303T100000", "2026-03-03T09:00", "2026-03-03T10:00", False),
        ("20260303/20260305", "2026-03-03T00:00", "2026-03-04T00:00", True),
        ("nonsense", "2026-03-02T11:00", "2026-03-02T12:00", False),
        ("20269999/20269999", "2026-03-02T11:00", "2026-03-02T12:00", False),
    ],
)
def test_the_template_address_fills_in_the_form(
    browser: httpx.Client, dates: str, start: str, end: str, all_day: bool
) -> None:
    shown = browser.get(
        "/calendar/render",
        params={"action": "TEMPLATE", "text": "06<b>", "dates": dates, "account": JAN},
    ).text
    assert f'value="{start}"' in shown
    assert f'value="{end}"' in shown
    assert ('name="all_day" checked' in shown) == all_day
    if dates.startswith("202603"):
        assert 'value="06&lt;b&gt;"' in shown


def test_a_form_that_cannot_be_says_so(google: LocalGoogle, browser: httpx.Client) -> None:
    for fields in (
        {"end": "2026-03-03T09:00"},
        {"start": "x"},
        {"all_day": "on", "end": "2026-03-02T00:00"},
    ):
        answer = save(browser, **fields)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text
    assert titles(google) == []


def test_a_reader_sees_no_buttons_and_cannot_write(
    google: LocalGoogle, browser: httpx.Client
) -> None:
    google.add_account("eva@bakery.example")
    google.set_role(JAN, "eva@bakery.example", "freeBusyReader")
    save(browser)
    place = {"account": "eva@bakery.example", "calendar": JAN}
    shown = browser.get("/calendar", params=place).text
    assert "0612345678" not in shown
    assert "(bezet)" in shown
    assert "/calendar/save" not in shown
    assert browser.post("/calendar/quick", data={**place, "title": "x"}).status_code == 403
    other = {"Sec-Fetch-Site": "cross-site"}
    assert browser.post("/calendar/quick", data=PLACE, headers=other).status_code == 403


def test_the_switchboard_page_puts_a_fault_in_force_and_lifts_it(
    google: LocalGoogle, browser: httpx.Client
) -> None:
    rule = {"kind": "latency", "endpoint": "events.*", "count": "3", "options": '{"seconds": 2}'}
    assert browser.post("/_control/page/faults", data=rule).status_code == 303
    (found,) = google.control("GET", "faults")["faults"]
    assert (found["kind"], found["count"], found["options"]) == ("latency", 3, {"seconds": 2})
    assert "events.*" in browser.get("/_control/").text
    assert browser.post("/_control/page/faults", data={"options": "{"}).status_code == 400
    browser.post("/_control/page/faults/remove", data={"rule": str(found["id"])})
    assert google.control("GET", "faults")["faults"] == []
    browser.post("/_control/page/clock", data={"seconds": "3600"})
    assert "verzet" in browser.get("/_control/").text
    browser.post("/_control/page/accounts", data={"account": JAN, "action": "disable"})
    assert google.control("GET", "state")["accounts"][0]["disabled"] is True


def test_every_page_is_strict_and_speaks_the_reader_s_language(
    google: LocalGoogle, browser: httpx.Client
) -> None:
    save(browser)
    for path in (
        "/",
        "/calendar",
        "/calendar/render?action=TEMPLATE",
        "/permissions",
        "/_control/",
        "/o/oauth2/v2/auth",
    ):
        dutch = browser.get(path)
        english = browser.get(path, headers={"Accept-Language": "de, en;q=0.5"})
        assert '<html lang="nl">' in dutch.text
        assert '<html lang="en">' in english.text
        assert "not Google" in english.text
        assert "script" not in dutch.headers["Content-Security-Policy"]
        assert not re.search(r"<script|style=|<style|\son\w+=", dutch.text)


def test_choosing_a_language() -> None:
    assert choose("") == "en"
    assert choose("fr, nl;q=0.3, en;q=0.2") == "nl"
    assert choose("nl;q=0, en;q=x") == "en"


def test_both_languages_say_the_same_things_and_templates_say_nothing_else() -> None:
    folder = Path(example_app.fake_google.__path__[0])
    english, dutch = (
        json.loads((folder / "words" / f"{name}.json").read_text()) for name in ("en", "nl")
    )
    assert english.keys() == dutch.keys()
    for key, sentence in english.items():
        holes = {name for _, name, _, _ in Formatter().parse(sentence) if name}
        assert holes == {name for _, name, _, _ in Formatter().parse(dutch[key]) if name}
    used = set()
    for template in (folder / "templates").glob("*.html"):
        used |= set(re.findall(r"""\bt\(\s*["'](\w+)["']\s*[,)]""", template.read_text()))
    assert used <= english.keys()


def test_the_demonstration_s_people_have_what_the_tour_needs() -> None:
    with LocalGoogle(seed="demo") as google:
        accounts = google.control("GET", "state")["accounts"]
        assert [one["email"] for one in accounts] == [
            "jan@bakkerij-jansen.example",
            "praktijk@tandarts-devries.example",
            "jan.prive@gmail.example",
        ]
        for account in accounts:
            token = google.grant(account["email"])["access_token"]
            answer = httpx.get(
                f"{google.url}/calendar/v3/users/me/calendarList",
                headers={"Authorization": f"Bearer {token}"},
            ).json()
            assert {one["accessRole"] for one in answer["items"]} == {
                "owner",
                "reader",
                "freeBusyReader",
            }
            assert any("holiday" in one["id"] for one in answer["items"])
        rota = "c_bereikbaarheid-bakkerij@group.calendar.google.example"
        stored = google.control("GET", f"calendars/{rota.replace('@', '%40')}/events")["events"]
        said = {one["summary"] for one in stored}
        assert {"0612345678", "333", "0612345678 Jan", "0900-8844", "Teamoverleg"} <= said
        shown = httpx.get(f"{google.url}/calendar", params={"account": accounts[0]["email"]})
        assert "Overleg met de molenaar" in unescape(shown.text)
        assert google.violations() == []
