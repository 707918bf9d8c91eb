"""The twenty-six ways in which Google's calendar surprises, each held against the real libraries.

Every case runs on SQLite and on Postgres, against the local Google over HTTP, with the forwards
read back from an exchange.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from gcal_plugin.store.tables import Calendar
from tests.support.world import AMSTERDAM, HOUR, MINUTE, World

JAN = "jan@gmail.example"
PIET = "+31612345678"
KEES = "+31687654321"


def test_case_01_a_later_page_fails_then_the_token_stays_and_page_one_is_harmless(
    world: World,
) -> None:
    link = world.link()
    world.sync(link)
    token = world.calendar_of(link).sync_token
    for hour in range(3):
        start = world.now + hour * HOUR
        world.event("0612345678", start, start + HOUR)
    world.google.fault("page_size", size=1)
    world.google.fault("backendError", endpoint="events.list", skip=1, count=1)

    report = world.sync(link)
    assert report.failed == {link.calendar_id: "backendError"}
    assert world.calendar_of(link).sync_token == token
    assert world.values(link) == []

    assert not world.sync(link).failed
    assert world.values(link) == [PIET] * 3
    assert world.calendar_of(link).sync_token != token
    before = [row.id for row in world.rows(link)]
    world.google.clear_faults()
    world.sync(link)
    assert [row.id for row in world.rows(link)] == before


def test_case_02_an_empty_page_may_be_followed_by_another(world: World) -> None:
    link = world.link()
    world.sync(link)
    world.event("0612345678", world.now, world.now + HOUR)
    world.google.fault("empty_page", count=1)
    world.sync(link)
    assert world.values(link) == [PIET]


def test_case_03_410_and_a_resync_that_fails_leave_the_forward_alone(world: World) -> None:
    link = world.link()
    kept = world.event("0612345678", world.now, world.now + 3 * HOUR)
    gone = world.event("0687654321", world.now, world.now + 3 * HOUR)
    world.sync(link)
    assert world.rings(link) == {PIET, KEES}
    world.google.delete_event(JAN, gone)
    world.google.expire_sync_tokens(JAN)
    world.google.fault("backendError", endpoint="events.list", skip=1, count=1)

    report = world.sync(link)
    assert report.failed == {link.calendar_id: "backendError"}
    assert world.rings(link) == {PIET, KEES}
    assert not world.sync(link).failed
    assert world.rings(link) == {PIET}
    assert [row.event_id for row in world.rows(link)] == [kept]


def test_case_04_a_delta_never_names_a_window(world: World) -> None:
    link = world.link()
    world.sync(link)
    world.forget_asked()
    world.event("0612345678", world.now, world.now + HOUR)
    world.sync(link)
    (asked,) = world.asked()
    parameters = parse_qs(urlsplit(asked["path"]).query)
    assert "syncToken" in parameters
    assert not {"timeMin", "timeMax", "orderBy", "updatedMin", "q"} & set(parameters)


def test_case_05_an_endless_series_that_is_touched_stays_bounded(world: World) -> None:
    link = world.link()
    series = world.event(
        "0612345678", world.now, world.now + HOUR, recurrence=["RRULE:FREQ=DAILY"]
    )
    world.sync(link)
    first = len(world.rows(link))
    world.google.fault("blow_up")
    world.google.fault("page_size", size=500)
    world.google.patch_event(JAN, series, summary="0687654321")
    report = world.sync(link)
    assert report.requests > 20, "the change runs to the end of the century"
    rows = world.rows(link)
    assert len(rows) == first <= 37
    assert {row.value for row in rows} == {KEES}


def test_case_06_an_instance_that_nobody_touched_drifts_into_the_horizon(world: World) -> None:
    link = world.link()
    far = world.now + timedelta(days=40)
    world.event("0612345678", far, far + HOUR)
    world.sync(link)
    assert world.values(link) == []
    world.later(timedelta(days=10))
    assert world.calendar_of(link).relist_at <= world.now
    world.sync(link)
    assert world.values(link) == [PIET]


def test_case_07_a_deleted_series_leaves_no_ghosts_beyond_six_months(world: World) -> None:
    world.configure(horizon_days=300)
    link = world.link()
    series = world.event(
        "0612345678", world.now, world.now + HOUR, recurrence=["RRULE:FREQ=WEEKLY"]
    )
    world.sync(link)
    assert len(world.rows(link)) > 40
    world.google.delete_event(JAN, series)
    world.sync(link)
    world.sync(link)
    assert world.rows(link) == []


def test_case_08_a_cancelled_exception_names_only_ids_while_its_forward_is_on(
    world: World,
) -> None:
    link = world.link()
    series = world.event(
        "0612345678", world.now, world.now + HOUR, recurrence=["RRULE:FREQ=DAILY;COUNT=3"]
    )
    world.sync(link)
    assert world.rings(link) == {PIET}
    instance = world.rows(link)[0].event_id
    assert instance.startswith(series)
    world.google.delete_event(JAN, instance)
    world.sync(link)
    assert world.rings(link) == set()
    assert len(world.rows(link)) == 2


def test_case_09_an_instance_moves_out_of_now_and_back(world: World) -> None:
    link = world.link()
    world.event("0612345678", world.now, world.now + HOUR, recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    world.sync(link)
    assert world.rings(link) == {PIET}
    instance = world.rows(link)[0].event_id
    start, later = world.now, world.now + 5 * HOUR
    _move(world, instance, later, later + HOUR)
    world.sync(link)
    assert world.rings(link) == set()
    _move(world, instance, start, start + HOUR)
    world.sync(link)
    assert world.rings(link) == {PIET}
    assert len(world.rows(link)) == 3


def test_case_10_a_title_changes_while_its_forward_is_on(world: World) -> None:
    link = world.link()
    event = world.event("0612345678", world.now, world.now + HOUR)
    world.sync(link)
    assert world.rings(link) == {PIET}
    world.google.patch_event(JAN, event, summary="0687654321")
    world.sync(link)
    assert world.rings(link) == {KEES}
    world.google.patch_event(JAN, event, summary="Overleg met Kees")
    world.sync(link)
    assert world.rings(link) == set()
    old, between, now = world.rows(link, history=True)
    assert (old.value, between.value, now.value) == (PIET, KEES, None)
    assert old.replaced_at == between.received_at


@pytest.mark.parametrize(
    "title, value, reason",
    [
        (None, None, "empty_title"),
        ("", None, "empty_title"),
        ("   ", None, "empty_title"),
        ("٠٦١٢٣٤٥٦٧٨", None, "lookalike_digits"),
        ("\u202d0612345678\u202c", None, "invisible_characters"),
        ("0612345678 " * 930, None, "too_long"),
        ("  06-12 34 56 78 ", PIET, None),
    ],
    ids=["absent", "empty", "spaces", "arabic digits", "bidi marks", "10 kB", "ours"],
)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_case_11_titles_of_every_kind(
    world: World, title: str | None, value: str | None, reason: str | None
) -> None:
    link = world.link()
    start = {"dateTime": world.now.isoformat()}
    end = {"dateTime": (world.now + HOUR).isoformat()}
    body = {"start": start, "end": end} | ({} if title is None else {"summary": title})
    world.google.control("POST", f"calendars/{JAN}/events", body)
    report = world.sync(link)
    assert not report.failed
    (row,) = world.rows(link)
    assert (row.value, row.reason) == (value, reason)


def test_case_12_access_drops_to_free_and_busy_during_an_event(world: World) -> None:
    owner, calendar = "eigenaar@gmail.example", "rooster@group.calendar.google.com"
    world.account(owner)
    world.account(JAN)
    world.google.add_calendar(calendar, owner, acl={JAN: "reader"}, timeZone="Europe/Amsterdam")
    link = world.link(calendar=calendar)
    world.event("0612345678", world.now, world.now + HOUR, calendar)
    world.event("0687654321", world.now + 2 * HOUR, world.now + 3 * HOUR, calendar)
    world.sync(link)
    assert world.rings(link) == {PIET}
    world.google.set_role(calendar, JAN, "freeBusyReader")
    world.event("0612345678", world.now + 4 * HOUR, world.now + 5 * HOUR, calendar)
    world.sync(link)
    assert world.fresh(link).state == "calendar_gone"
    assert world.fresh(link).broken_reason == "unreadable"
    assert world.rings(link) == {PIET}, "what runs goes on"
    world.later(2 * HOUR)
    assert world.rings(link) == set(), "nothing new starts"

    world.google.set_role(calendar, JAN, "reader")
    world.sync(link)
    assert world.fresh(link).state == "linked"
    assert world.rings(link) == {KEES}
    assert world.values(link) == [PIET, KEES, PIET], "what was hidden meanwhile is read"


def test_case_13_the_calendar_moves_to_another_zone_with_a_whole_day_on(world: World) -> None:
    link = world.link()
    world.event("0612345678", "2026-06-01", "2026-06-02")
    world.sync(link)
    (row,) = world.rows(link)
    assert row.start_at == datetime(2026, 5, 31, 22, tzinfo=UTC)
    assert world.rings(link) == {PIET}
    world.google.change_calendar(JAN, timeZone="America/New_York")
    world.sync(link)
    (row,) = world.rows(link)
    assert row.start_at == datetime(2026, 6, 1, 4, tzinfo=UTC)
    assert row.end_at == datetime(2026, 6, 2, 4, tzinfo=UTC)
    world.at(datetime(2026, 6, 2, 3, 59, tzinfo=UTC))
    assert world.rings(link) == {PIET}
    world.at(datetime(2026, 6, 2, 4, 0, 1, tzinfo=UTC))
    assert world.rings(link) == set()


@pytest.mark.parametrize("day, hours", [((2026, 3, 29), 23), ((2026, 10, 25), 25)])
def test_case_14_whole_days_of_23_and_25_hours(
    world: World, day: tuple[int, int, int], hours: int
) -> None:
    noon = datetime(*day, 12, tzinfo=AMSTERDAM)
    world.at(noon)
    link = world.link()
    tomorrow = (noon + timedelta(days=1)).date().isoformat()
    world.event("0612345678", noon.date().isoformat(), tomorrow)
    world.sync(link)
    (row,) = world.rows(link)
    assert row.end_at - row.start_at == hours * HOUR
    assert row.start_at.astimezone(AMSTERDAM).hour == 0
    assert row.end_at.astimezone(AMSTERDAM).hour == 0
    assert world.rings(link) == {PIET}


def test_case_15_adjoining_events_leave_no_gap_and_overlaps_change_the_difference(
    world: World,
) -> None:
    link = world.link()
    start = world.now
    world.event("0612345678", start, start + HOUR)
    world.event("06-12345678", start + HOUR, start + 2 * HOUR)
    world.event("0687654321", start + 90 * MINUTE, start + 3 * HOUR)
    world.sync(link)
    assert world.rings(link) == {PIET}
    revision = world.revision(link)
    world.at(start + HOUR)
    assert world.rings(link) == {PIET}
    assert world.revision(link) == revision, "the same number goes on: nothing is written"
    world.at(start + 90 * MINUTE)
    assert world.rings(link) == {PIET, KEES}
    world.at(start + 2 * HOUR)
    assert world.rings(link) == {KEES}


def test_case_16_no_length_and_no_end(world: World) -> None:
    link = world.link()
    world.event("0612345678", world.now, world.now)
    endless = world.event("0687654321", world.now, world.now + HOUR, endTimeUnspecified=True)
    world.sync(link)
    assert world.rings(link) == set()
    reasons = {row.event_id: row.reason for row in world.rows(link)}
    assert reasons[endless] == "no_end"
    assert sorted(map(str, reasons.values())) == ["no_end", "zero_length"]


def test_case_17_declined_while_active_then_accepted(world: World) -> None:
    link = world.link()
    me = {"email": JAN, "self": True, "responseStatus": "accepted"}
    event = world.event("0612345678", world.now, world.now + HOUR, attendees=[me])
    world.sync(link)
    assert world.rings(link) == {PIET}
    world.google.patch_event(JAN, event, attendees=[me | {"responseStatus": "declined"}])
    world.sync(link)
    assert world.rings(link) == set()
    assert world.rows(link)[0].reason == "declined"
    world.google.patch_event(JAN, event, attendees=[me])
    world.sync(link)
    assert world.rings(link) == {PIET}


def _move(world: World, event_id: str, start: datetime, end: datetime) -> None:
    world.google.patch_event(
        JAN,
        event_id,
        start={"dateTime": start.isoformat()},
        end={"dateTime": end.isoformat()},
    )


def _set(world: World, **values: object) -> None:
    with world.rt.store.begin() as session:
        session.execute(sa.update(Calendar).values(**values))
