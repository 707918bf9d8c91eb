"""What the status page is told: the state, the problems and their cost, the week, the history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from gcal_plugin.domain.reasons import Reason
from gcal_plugin.services import linking, reporting
from gcal_plugin.services.reporting import Mend, PageState, ProblemCode, StatusView
from gcal_plugin.services.reporting.models import DestinationView
from gcal_plugin.services.reporting.problems import find_gap
from gcal_plugin.services.reporting.week import week_of
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.store import scope
from gcal_plugin.store.tables import Calendar, Forwarding, Grant, LedgerEntry, Link, WindowRow
from gcal_plugin.web.gallery.views import event
from tests.support.portal import JAN, PIET

HOUR = timedelta(hours=1)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MOBILE = DestinationView("number", "+31612345678")


class Stage:
    """Ann's extension 200, linked to a calendar that was read just now."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        self.link_id = linking.provision_link(
            rt, tenant_id=JAN.tenant_id, account_id=JAN.id, domain=JAN.domain,
            extension="200", actor="test",
        )  # fmt: skip
        with rt.store.begin() as session:
            self.now = rt.store.now(session)
            grant = Grant(client_id="c", subject="s", email="ann@g.example", created_at=self.now)
            session.add(grant)
            session.flush()
            calendar = Calendar(
                grant_id=grant.id, google_id="g", name="Rota", synced_at=self.now,
                time_zone="Europe/Amsterdam",
            )  # fmt: skip
            session.add(calendar)
            session.flush()
            self.calendar_id = calendar.id
            link = session.get_one(Link, self.link_id)
            link.grant_id, link.calendar_id, link.state = grant.id, calendar.id, "linked"
            link.linked_at = self.now

    def window(self, start: timedelta, end: timedelta, value: str | None, **facts: Any) -> None:
        with self.rt.store.begin() as session:
            session.add(
                WindowRow(
                    calendar_id=self.calendar_id,
                    event_id=f"{start}-{end}-{value}",
                    start_at=self.now + start,
                    end_at=self.now + end,
                    kind="number" if value else "none",
                    value=value,
                    received_at=self.now,
                    **facts,
                )
            )

    def change(self, table: type[Any], **values: Any) -> None:
        with self.rt.store.begin() as session:
            session.execute(sa.update(table).values(**values))
            session.expire_all()

    def holds(self, *values: str, **facts: Any) -> None:
        """The exchange holds these, and we asked for them."""
        pairs = [["number", value] for value in values]
        self.change(Forwarding, desired=pairs, observed=pairs, observed_at=self.now, **facts)

    @property
    def view(self) -> StatusView:
        return reporting.status_of(self.rt, JAN, self.link_id)

    def state(self) -> PageState:
        return self.view.state

    @property
    def codes(self) -> set[ProblemCode]:
        return {problem.code for problem in self.view.problems}


@pytest.fixture
def stage(rt: Runtime) -> Stage:
    return Stage(rt)


def test_idle_names_the_next_forward(stage: Stage) -> None:
    stage.window(2 * HOUR, 3 * HOUR, "+31612345678")
    view = stage.view
    assert view.state is PageState.IDLE
    assert view.upcoming is not None
    assert view.upcoming.start == stage.now + 2 * HOUR
    assert view.until == stage.now + 2 * HOUR
    assert view.problems == ()


def test_forwarding_says_to_whom_and_until_when(stage: Stage) -> None:
    stage.window(-HOUR, HOUR, "+31612345678")
    stage.holds("+31612345678")
    view = stage.view
    assert view.state is PageState.FORWARDING
    assert [one.value for one in view.ringing] == ["+31612345678"]
    assert view.until == stage.now + HOUR
    assert view.events[0].running


def test_a_forward_that_is_not_ours_is_no_forwarding(stage: Stage) -> None:
    stage.change(Forwarding, desired=[], observed=[["number", "+31201111111"]])
    assert stage.state() is PageState.IDLE


@pytest.mark.parametrize(
    "state, reason, page, problem, mend",
    [
        ("reconnect", "revoked", PageState.RECONNECT, ProblemCode.ACCESS_LOST, Mend.CONNECT),
        ("calendar_gone", "gone", PageState.GONE, ProblemCode.CALENDAR_GONE, Mend.CHOOSE),
        ("calendar_gone", "unreadable", PageState.GONE, ProblemCode.UNREADABLE, Mend.CHOOSE),
    ],
)
def test_a_broken_link_says_what_it_costs(
    stage: Stage, state: str, reason: str, page: PageState, problem: ProblemCode, mend: Mend
) -> None:
    for day in (1, 2, 3, 12):
        stage.window(timedelta(days=day), timedelta(days=day, hours=1), "+31612345678")
    stage.change(Link, state=state, broken_at=stage.now, broken_reason=reason)
    view = stage.view
    assert view.state is page
    assert (view.problems[0].code, view.problems[0].mend) == (problem, mend)
    assert view.problems[0].missed == 3
    assert view.until is None


def test_stale_from_a_quarter_of_an_hour_but_not_while_push_is_open(stage: Stage) -> None:
    stage.change(Calendar, synced_at=stage.now - timedelta(minutes=14))
    assert stage.state() is PageState.IDLE
    stage.change(Calendar, synced_at=stage.now - timedelta(minutes=16))
    assert stage.state() is PageState.STALE
    assert stage.view.problems[0].mend is Mend.REFRESH
    stage.change(Calendar, push_state="open")
    assert stage.state() is PageState.IDLE
    stage.change(Calendar, failures=1)
    assert stage.state() is PageState.STALE


def test_paused_until_and_paused_for_good(stage: Stage) -> None:
    stage.change(Link, paused_at=stage.now, paused_until=stage.now + HOUR)
    assert stage.state() is PageState.PAUSED
    stage.window(timedelta(), HOUR, "+31612345678")
    stage.window(HOUR, 2 * HOUR, "+31612345678")
    assert [event.held for event in stage.view.events] == [True, False]
    assert stage.view.upcoming == stage.view.events[1]
    stage.change(Link, paused_until=stage.now - HOUR)
    assert stage.state() is PageState.IDLE
    assert not any(event.held for event in stage.view.events)
    stage.change(Link, paused_until=None)
    assert stage.state() is PageState.PAUSED
    assert all(event.held for event in stage.view.events)
    assert stage.view.upcoming is None


def test_the_kill_switch_is_told(stage: Stage) -> None:
    stage.change(Link, killed_at=stage.now)
    assert stage.state() is PageState.PAUSED
    assert ProblemCode.KILLED in stage.codes


def test_what_the_exchange_refused_and_what_the_rules_refused_are_two_things(stage: Stage) -> None:
    by_rules = ["number", "+31900123456", Reason.PREMIUM.value]
    stage.change(Forwarding, refused=[by_rules])
    assert stage.state() is PageState.IDLE
    by_exchange = ["number", "+31612345678", "refused_by_pbx"]
    stage.change(Forwarding, refused=[by_rules, by_exchange])
    assert stage.state() is PageState.REFUSED
    stage.holds("+31687654321", refused=[by_exchange])
    assert ProblemCode.PARTLY_REFUSED in stage.codes
    assert stage.state() is PageState.FORWARDING


def test_an_exchange_that_is_silent_is_not_one_that_refuses(stage: Stage) -> None:
    stage.change(Forwarding, failures=2, generation=5, settled=4, last_error="time-out")
    assert ProblemCode.UNREACHABLE in stage.codes
    stage.change(Forwarding, settled=5)
    assert ProblemCode.REFUSED in stage.codes


def test_ordinary_appointments_are_counted_and_folded_away(stage: Stage) -> None:
    stage.window(HOUR, 2 * HOUR, None, reason="ordinary_text")
    stage.window(HOUR, 3 * HOUR, None, reason="too_short")
    stage.window(-2 * HOUR, -HOUR, None, reason="ordinary_text")
    view = stage.view
    assert view.ordinary == 1
    assert [one.reason for one in view.events] == [Reason.TOO_SHORT]
    assert ProblemCode.TYPED_WRONG in stage.codes


def test_the_rules_of_now_decide_not_those_of_when_it_was_read(stage: Stage) -> None:
    stage.window(HOUR, 2 * HOUR, "+32471234567")
    assert stage.view.events[0].reason is Reason.COUNTRY_CLOSED
    stage.change(Link, policy={"allowed_countries": ["NL", "BE"]})
    assert stage.view.events[0].forwards


def test_another_zone_and_somebody_elses_calendar_are_warned_about(stage: Stage) -> None:
    stage.change(Calendar, time_zone="America/New_York", owner="boss@g.example")
    found = {problem.code: problem for problem in stage.view.problems}
    assert found[ProblemCode.OTHER_ZONE].mend is Mend.EDIT
    assert found[ProblemCode.OTHER_ZONE].url
    assert found[ProblemCode.SOMEBODY_ELSES].mend is Mend.PRECAUTIONS
    stage.change(Link, fallback_number="+31201234568")
    assert ProblemCode.SOMEBODY_ELSES not in stage.codes


def test_a_number_that_will_not_forward_is_warned_about_with_its_appointment(stage: Stage) -> None:
    stage.window(HOUR, 2 * HOUR, "+31612345678", reason="declined")
    assert ProblemCode.TYPED_WRONG not in stage.codes
    stage.window(3 * HOUR, 4 * HOUR, "+32471234567")
    stage.window(5 * HOUR, 6 * HOUR, None, reason="too_short")
    (problem,) = stage.view.problems
    assert (problem.code, problem.mend, problem.missed) == (
        ProblemCode.TYPED_WRONG,
        Mend.EDIT,
        2,
    )
    assert problem.event is not None
    assert problem.event.reason is Reason.COUNTRY_CLOSED
    assert problem.url == problem.event.url


def test_history_tells_switches_with_their_lateness_and_leaves_out_the_quiet(stage: Stage) -> None:
    with stage.rt.store.begin() as session:
        for outcome, late in (("done", 0.3), ("nothing", None), ("temporary", None)):
            session.add(
                LedgerEntry(
                    link_id=stage.link_id,
                    tenant_id=JAN.tenant_id,
                    pbx="main",
                    due_at=stage.now,
                    cause="edge",
                    revision=1,
                    destinations=[["number", "+31612345678"]],
                    outcome=outcome,
                    seconds_late=late,
                )
            )
    told = [line.what for line in stage.view.activity]
    assert told.count("forward_set") == 1
    assert told.count("push_failed") == 1


def test_nobody_else_sees_it(stage: Stage) -> None:
    with pytest.raises(scope.NotInReach):
        reporting.status_of(stage.rt, PIET, stage.link_id)
    with pytest.raises(scope.NotInReach):
        reporting.ask_refresh(stage.rt, PIET, stage.link_id)


def test_the_number_of_queries_does_not_grow(stage: Stage) -> None:
    def queries() -> int:
        seen: list[str] = []

        def note(*arguments: Any) -> None:
            seen.append(arguments[2])

        engine = stage.rt.store.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        _ = stage.view
        sa.event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    stage.window(HOUR, 2 * HOUR, "+31612345678")
    few = queries()
    for number in range(40):
        stage.window(timedelta(hours=3 + number), timedelta(hours=4 + number), "+31612345678")
    assert queries() == few


# -- pure parts ------------------------------------------------------------------------------


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM).astimezone(UTC)


def test_the_week_splits_at_midnight_and_puts_overlaps_in_lanes() -> None:
    now = instant("2026-06-01T12:00")
    events = [
        event(instant("2026-06-01T22:00"), instant("2026-06-02T06:00"), MOBILE),
        event(instant("2026-06-02T05:00"), instant("2026-06-02T07:00"), MOBILE),
    ]
    week = week_of(events, now, AMSTERDAM)
    monday, tuesday = week.days[0], week.days[1]
    assert [(bar.first_minute, bar.last_minute) for bar in monday.bars] == [(1320, 1440)]
    assert [(bar.first_minute, bar.lane) for bar in tuesday.bars] == [(0, 0), (300, 1)]
    assert tuesday.lanes == 2
    assert week.now_minute == 720


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_the_week_stands_when_the_clock_changes(day: str) -> None:
    now = instant(f"{day}T00:30")
    events = [event(instant(f"{day}T01:00"), instant(f"{day}T09:00"), MOBILE)]
    [bar] = week_of(events, now, AMSTERDAM).days[0].bars
    assert (bar.first_minute, bar.last_minute) == (60, 540)


@pytest.mark.parametrize(
    "shifts, gap",
    [
        ([("09:00", "12:00"), ("12:00", "14:00"), ("15:00", "17:00")], ("14:00", "15:00")),
        ([("09:00", "12:00"), ("13:00", "17:00")], None),
        ([("09:00", "12:00"), ("12:00", "14:00"), ("16:30", "17:00")], None),
        ([("09:00", "12:00"), ("11:00", "14:00"), ("14:00", "17:00")], None),
        ([], None),
    ],
)
def test_a_gap_is_a_short_hole_in_a_rota(
    shifts: list[tuple[str, str]], gap: tuple[str, str] | None
) -> None:
    day = "2026-06-02T"
    events = [event(instant(day + start), instant(day + end), MOBILE) for start, end in shifts]
    wanted = (instant(day + gap[0]), instant(day + gap[1])) if gap else None
    assert find_gap(events, AMSTERDAM) == wanted


def test_what_is_held_leaves_no_gap() -> None:
    """While a link is paused its own phone rings all the time: an hour of that is no news."""
    day = "2026-06-02T"
    shifts = [("09:00", "12:00"), ("12:00", "14:00"), ("15:00", "17:00")]
    events = [event(instant(day + start), instant(day + end), MOBILE) for start, end in shifts]
    assert find_gap(events, AMSTERDAM) is not None
    assert find_gap([replace(one, held=True) for one in events], AMSTERDAM) is None
