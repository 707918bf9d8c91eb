"""Events -> windows: zones, whole days, and whose event counts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gcal_plugin.domain import zones
from gcal_plugin.domain.destination import Destination, Kind
from gcal_plugin.domain.policy import DEFAULT, LineContext, Policy
from gcal_plugin.domain.reasons import Reason
from gcal_plugin.domain.schedule import (
    CalendarEvent,
    EventTime,
    UnknownZone,
    Window,
    event_window,
    in_zone,
    judge,
)

ZONE = "Europe/Amsterdam"
NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)


def timed(**changes: Any) -> CalendarEvent:
    event = CalendarEvent(
        id="e1",
        title="0612345678",
        start=EventTime(instant=NINE),
        end=EventTime(instant=NINE + timedelta(hours=1)),
    )
    return replace(event, **changes)


def window_of(event: CalendarEvent, role: str = "owner") -> Window:
    window = event_window(event, calendar_zone=ZONE, access_role=role)
    assert window is not None
    return window


def test_a_plain_event_becomes_a_window():
    assert window_of(timed()) == Window(
        event_id="e1",
        start=NINE,
        end=NINE + timedelta(hours=1),
        kind=Kind.NUMBER,
        value="+31612345678",
        allowed=True,
    )
    assert window_of(timed()).destination == Destination(Kind.NUMBER, "+31612345678")


def test_an_instance_keeps_its_series_and_the_start_that_identifies_it():
    window = window_of(
        timed(recurring_event_id="series", original_start=EventTime(day=date(2027, 3, 1)))
    )
    assert window.series_id == "series"
    assert window.original_start == datetime(2027, 2, 28, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "cancelled"},
        {"start": None},
        {"end": None},
        {"start": EventTime()},
        {"end": EventTime()},
    ],
)
def test_cancelled_events_and_those_without_times_are_no_windows(changes):
    assert event_window(timed(**changes), calendar_zone=ZONE) is None


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"organizer_self": False}, Reason.INVITATION),
        ({"organizer_self": False, "self_response": "needsAction"}, Reason.INVITATION),
        ({"organizer_self": False, "self_response": "accepted"}, Reason.INVITATION),
        ({"organizer_self": False, "self_response": "declined"}, Reason.DECLINED),
        ({"self_response": "declined"}, Reason.DECLINED),
        ({"event_type": "workingLocation"}, Reason.EVENT_TYPE),
        ({"event_type": "outOfOffice"}, Reason.EVENT_TYPE),
        ({"event_type": "birthday"}, Reason.EVENT_TYPE),
        ({"end": EventTime(instant=NINE)}, Reason.ZERO_LENGTH),
        ({"end": EventTime(instant=NINE - timedelta(hours=1))}, Reason.ZERO_LENGTH),
        ({"end_unspecified": True}, Reason.NO_END),
        ({"title": "061234567"}, Reason.TOO_SHORT),
        ({"title": "Vergadering"}, Reason.ORDINARY_TEXT),
        ({"title": "Vergadering", "self_response": "declined"}, Reason.ORDINARY_TEXT),
        ({"title": None}, Reason.EMPTY_TITLE),
        ({"title": None, "title_hidden": True}, Reason.PRIVATE),
        ({"title": None, "title_hidden": True, "organizer_self": False}, Reason.PRIVATE),
    ],
)
def test_whose_event_counts(changes, reason):
    window = window_of(timed(**changes))
    assert (window.allowed, window.reason, window.destination) == (False, reason, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"organizer_self": True},
        {"organizer_self": None},
        {"self_response": "tentative"},
        {"self_response": "needsAction", "organizer_self": True},
        {"status": "tentative"},
        {"visibility": "private"},
    ],
)
def test_own_events_count_whatever_their_free_busy_state(changes):
    assert window_of(timed(**changes)).allowed


@pytest.mark.parametrize("role", ["freeBusyReader", "none"])
def test_without_titles_nothing_forwards(role):
    window = window_of(timed(), role)
    assert (window.reason, window.value, window.kind) == (Reason.FREE_BUSY_ONLY, None, Kind.NONE)


def test_a_suggestion_stays_with_the_title_that_needs_it():
    assert window_of(timed(title="612345678")).suggestion == "0612345678"
    declined = window_of(timed(title="612345678", self_response="declined"))
    assert (declined.reason, declined.suggestion) == (Reason.DECLINED, None)


# -- time ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "day, zone, start, hours",
    [
        (date(2027, 3, 28), ZONE, "2027-03-27T23:00Z", 23),
        (date(2027, 10, 31), ZONE, "2027-10-30T22:00Z", 25),
        (date(2027, 3, 1), ZONE, "2027-02-28T23:00Z", 24),
        (date(2027, 3, 1), "UTC", "2027-03-01T00:00Z", 24),
        (date(2027, 3, 1), "Asia/Kathmandu", "2027-02-28T18:15Z", 24),
        # Midnight is skipped: the day begins at one o'clock.
        (date(2026, 4, 24), "Africa/Cairo", "2026-04-23T22:00Z", 23),
        (date(2026, 9, 6), "America/Santiago", "2026-09-06T04:00Z", 23),
        # Midnight comes twice: the day begins at the first.
        (date(2026, 11, 1), "America/Havana", "2026-11-01T04:00Z", 25),
        # Clocks jumped from 23:30 to 00:30: midnight is inside the gap.
        (date(1919, 3, 31), "America/Toronto", "1919-03-31T04:30Z", 23.5),
        # A whole day was skipped on the other side of the date line.
        (date(2011, 12, 31), "Pacific/Apia", "2011-12-30T10:00Z", 24),
        (date(2011, 12, 30), "Pacific/Apia", "2011-12-30T10:00Z", 0),
    ],
)
def test_whole_days_begin_and_end_at_the_calendars_midnight(day, zone, start, hours):
    event = timed(
        start=EventTime(day=day, zone="America/New_York"),
        end=EventTime(day=day + timedelta(days=1)),
    )
    window = event_window(event, calendar_zone=zone, access_role="owner")
    assert window is not None
    assert window.start == datetime.fromisoformat(start)
    assert window.end - window.start == timedelta(hours=hours)
    assert window.all_day
    assert window.start_date == day


def test_a_calendar_that_moves_takes_its_whole_days_along_and_nothing_else():
    days = timed(start=EventTime(day=date(2027, 3, 1)), end=EventTime(day=date(2027, 3, 2)))
    moved = in_zone(window_of(days), "America/New_York")
    assert moved == event_window(days, calendar_zone="America/New_York")
    assert moved.start == datetime(2027, 3, 1, 5, tzinfo=UTC)
    assert in_zone(window_of(timed()), "America/New_York") == window_of(timed())
    half = replace(window_of(days), end_date=None)
    assert in_zone(half, "America/New_York") == half


def test_local_times_are_read_in_their_own_zone_or_else_the_calendars():
    local = datetime(2027, 7, 1, 9)  # noqa: DTZ001 - an instant without an offset is the case
    start = EventTime(instant=local, zone="America/New_York")
    window = window_of(timed(start=start, end=EventTime(instant=local + timedelta(hours=8))))
    assert window.start == datetime(2027, 7, 1, 13, tzinfo=UTC)
    assert window.end == datetime(2027, 7, 1, 15, tzinfo=UTC)
    assert not window.all_day


def test_offsets_are_real_time_through_a_change_of_clocks():
    """Subtracting wall clocks is an hour off here."""
    event = timed(
        start=EventTime(instant=datetime.fromisoformat("2027-03-28T01:30:00+01:00")),
        end=EventTime(instant=datetime.fromisoformat("2027-03-28T03:30:00+02:00")),
    )
    assert window_of(event).end - window_of(event).start == timedelta(hours=1)


def test_the_ends_of_time_do_not_raise():
    far = timed(start=EventTime(day=date.min), end=EventTime(day=date.max))
    window = event_window(far, calendar_zone="Asia/Tokyo")
    assert window is not None
    assert (window.start, window.end.year) == (zones.FIRST, 9999)
    late = event_window(far, calendar_zone="America/New_York")
    assert late is not None
    assert late.end.year == 9999
    high = datetime(9999, 12, 31, 23, 59)  # noqa: DTZ001 - read in the zone below
    assert zones.to_utc(high, "America/New_York") == zones.LAST


@pytest.mark.parametrize("name", ["Nowhere/Land", "../etc/passwd", "", "Europe"])
def test_an_unknown_zone_is_told_by_name(name):
    event = timed(start=EventTime(day=date(2027, 3, 1)), end=EventTime(day=date(2027, 3, 2)))
    with pytest.raises(UnknownZone, match=f"^{re.escape(name)}$"):
        event_window(event, calendar_zone=name)


# -- judging ---------------------------------------------------------------------------------


def test_the_rules_are_applied_to_a_window():
    premium = judge(window_of(timed(title="0900-8844")))
    assert (premium.allowed, premium.reason, premium.value) == (
        False,
        Reason.PREMIUM,
        "+319008844",
    )
    assert judge(window_of(timed())).allowed


def test_changed_rules_open_and_close_a_judged_window_again():
    belgian = judge(window_of(timed(title="+32471234567")))
    assert belgian.reason is Reason.COUNTRY_CLOSED
    opened = judge(belgian, Policy(allowed_countries=frozenset({"NL", "BE"})))
    assert (opened.allowed, opened.reason) == (True, None)
    assert judge(opened) == belgian


def test_blocks_and_the_kill_switch_reach_judged_windows():
    window = judge(window_of(timed()))
    blocked = judge(window, DEFAULT, LineContext(blocked=frozenset({"+31612345678"})))
    assert blocked.reason is Reason.BLOCKED_BY_OWNER
    assert judge(blocked, DEFAULT, LineContext(killed=True)).reason is Reason.KILLED
    assert judge(blocked) == window


def test_a_forward_longer_than_the_rules_allow_is_refused_whole():
    month = timed(end=EventTime(instant=NINE + timedelta(days=31)))
    longer = timed(end=EventTime(instant=NINE + timedelta(days=31, seconds=1)))
    assert judge(window_of(month)).allowed
    refused = judge(window_of(longer))
    assert (refused.allowed, refused.reason) == (False, Reason.TOO_LONG_FORWARD)
    assert judge(refused, Policy(max_forward_length=timedelta(days=32))).allowed


def test_a_long_forward_to_a_refused_number_keeps_the_graver_reason():
    longer = timed(title="0900-8844", end=EventTime(instant=NINE + timedelta(days=40)))
    assert judge(window_of(longer)).reason is Reason.PREMIUM


ACCEPTING = Policy(accept_invitations=True)


def test_accepted_invitations_count_by_the_tenants_choice():
    accepted = window_of(timed(organizer_self=False, self_response="accepted"))
    assert judge(accepted).reason is Reason.INVITATION
    assert judge(accepted, ACCEPTING).allowed
    assert judge(judge(accepted, ACCEPTING)) == judge(accepted)


@pytest.mark.parametrize("answer", [None, "needsAction", "tentative"])
def test_invitations_that_nobody_accepted_never_count(answer):
    window = window_of(timed(organizer_self=False, self_response=answer))
    assert judge(window, ACCEPTING).reason is Reason.INVITATION


def test_an_accepted_invitation_meets_the_same_rules():
    premium = timed(title="0900-8844", organizer_self=False, self_response="accepted")
    assert judge(window_of(premium)).reason is Reason.INVITATION
    assert judge(window_of(premium), ACCEPTING).reason is Reason.PREMIUM
    empty = timed(organizer_self=False, self_response="accepted", end=EventTime(instant=NINE))
    assert judge(window_of(empty), ACCEPTING).reason is Reason.ZERO_LENGTH


@pytest.mark.parametrize(
    "changes",
    [
        {"self_response": "declined"},
        {"event_type": "focusTime"},
        {"end": EventTime(instant=NINE)},
        {"end_unspecified": True},
    ],
)
def test_no_rule_revives_an_event_that_does_not_count(changes):
    window = window_of(timed(**changes))
    assert judge(window, ACCEPTING) == window


def test_judging_drops_a_suggestion_that_would_be_refused():
    window = window_of(timed(title="9008844"))
    assert window.suggestion == "09008844"
    assert judge(window).suggestion is None
    assert judge(window_of(timed(title="612345678"))).suggestion == "0612345678"
