"""What a link that stands still does meanwhile: the page and `explain` say what calls really do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from gcal_plugin.domain.reasons import Reason
from gcal_plugin.services import alarms, linking, switching
from gcal_plugin.services.explaining import explain_at
from gcal_plugin.services.reporting import Mode, PageState, Problem, ProblemCode
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.store.tables import Calendar, Forwarding, Link, MailOut
from tests.services.test_reporting import HOUR, Stage
from tests.support.portal import JAN

OFFICE, MOBILE, OTHER = "+31201234568", "+31612345678", "+31687654321"
DAY = timedelta(days=1)


@pytest.fixture
def stage(rt: Runtime) -> Stage:
    return Stage(rt)


def lose_access(stage: Stage, **facts: object) -> None:
    stage.change(
        Link, **{"state": "reconnect", "broken_at": stage.now, "broken_reason": "revoked", **facts}
    )


def of_code(stage: Stage, code: ProblemCode) -> Problem:
    return next(problem for problem in stage.view.problems if problem.code is code)


def active(stage: Stage, later: timedelta | None = None) -> list[str]:
    at = None if later is None else stage.now + later
    return [one["value"] for one in explain_at(stage.rt, stage.link_id, at)["active"]]


def test_a_fallback_number_in_use_is_told_with_its_problem(stage: Stage) -> None:
    stage.window(-HOUR, HOUR, MOBILE)
    stage.window(2 * HOUR, 3 * HOUR, MOBILE)
    lose_access(stage, fallback_number=OFFICE)
    view = stage.view
    assert (view.state, view.mode) == (PageState.RECONNECT, Mode.FALLBACK)
    problem = of_code(stage, ProblemCode.ACCESS_LOST)
    assert (problem.mode, problem.missed) == (Mode.FALLBACK, 2)
    assert [one.value for one in problem.destinations] == [OFFICE]
    assert all(event.held for event in view.events)
    assert view.upcoming is None
    assert active(stage) == active(stage, 2 * HOUR) == [OFFICE]


def test_without_a_fallback_number_nothing_forwards(stage: Stage) -> None:
    stage.window(-HOUR, HOUR, MOBILE)
    lose_access(stage)
    assert stage.view.mode is Mode.CLEAR
    assert of_code(stage, ProblemCode.ACCESS_LOST).destinations == ()
    assert active(stage) == []


def test_a_fallback_that_the_rules_refuse_is_none(stage: Stage) -> None:
    lose_access(stage, fallback_number="+31900123456")
    assert stage.view.mode is Mode.CLEAR
    assert of_code(stage, ProblemCode.ACCESS_LOST).mode is Mode.CLEAR
    assert active(stage) == []


@pytest.mark.parametrize("kept", ["nonsense", "200"])
def test_a_fallback_that_leads_nowhere_is_none(stage: Stage, kept: str) -> None:
    """What is no number, and the extension itself."""
    lose_access(stage, fallback_number=kept)
    assert stage.view.mode is Mode.CLEAR
    assert active(stage) == []


def test_the_own_extension_is_refused_as_a_fallback_number(stage: Stage) -> None:
    with pytest.raises(linking.BadFallback) as refused:
        linking.set_precautions(
            stage.rt, JAN, stage.link_id, stale_choice="fallback", fallback_title="200",
            second_contact="",
        )  # fmt: skip
    assert refused.value.reason == Reason.OWN_NUMBER
    link = stage.view.link
    assert link is not None
    assert link.fallback is None


def test_a_pause_is_one_with_a_broken_link_too(stage: Stage) -> None:
    stage.window(HOUR, 2 * HOUR, MOBILE)
    lose_access(stage, fallback_number=OFFICE, paused_at=stage.now)
    assert stage.view.mode is Mode.CLEAR
    assert active(stage) == []


def test_stale_with_stop_lets_what_runs_end_and_starts_nothing(stage: Stage) -> None:
    stage.window(-HOUR, HOUR, MOBILE)
    stage.window(-HOUR, 2 * HOUR, OTHER)
    stage.window(3 * HOUR, 4 * HOUR, OTHER)
    stage.holds(MOBILE)
    stage.change(Link, stale_choice="stop")
    stage.change(Calendar, synced_at=stage.now - 3 * DAY)
    view = stage.view
    assert (view.state, view.mode) == (PageState.STALE, Mode.FINISH)
    assert [event.held for event in view.events] == [False, True, True]
    assert view.upcoming is None
    assert view.until == stage.now + HOUR
    assert of_code(stage, ProblemCode.STALE).mode is Mode.FINISH
    assert active(stage) == [MOBILE]


def test_stale_with_a_fallback_sends_everything_there(stage: Stage) -> None:
    stage.window(-HOUR, HOUR, MOBILE)
    stage.change(Link, stale_choice="fallback", fallback_number=OFFICE)
    stage.change(Calendar, synced_at=stage.now - 3 * DAY)
    view = stage.view
    assert (view.state, view.mode) == (PageState.STALE, Mode.FALLBACK)
    assert all(event.held for event in view.events)
    assert view.until is None
    assert [one.value for one in of_code(stage, ProblemCode.STALE).destinations] == [OFFICE]
    assert active(stage) == [OFFICE]


@pytest.mark.parametrize("choice", ["keep", "stop", "fallback"])
def test_until_a_day_has_passed_known_appointments_go_on(stage: Stage, choice: str) -> None:
    stage.window(HOUR, 2 * HOUR, MOBILE)
    stage.change(Link, stale_choice=choice, fallback_number=OFFICE)
    stage.change(Calendar, synced_at=stage.now - 2 * HOUR)
    view = stage.view
    assert (view.state, view.mode) == (PageState.STALE, Mode.FOLLOW)
    assert not any(event.held for event in view.events)
    problem = of_code(stage, ProblemCode.STALE)
    assert problem.mode is Mode.FOLLOW
    assert problem.until == (None if choice == "keep" else stage.now + DAY - 2 * HOUR)


def test_a_calendar_that_is_stale_for_the_exchange_is_stale_on_the_page(stage: Stage) -> None:
    """While push is open silence is normal, but not beyond the age at which starts stop."""
    stage.change(Link, stale_choice="stop")
    stage.change(Calendar, push_state="open", synced_at=stage.now - timedelta(hours=17))
    assert stage.state() is PageState.IDLE
    settings = stage.rt.settings.model_copy(update={"stale_after_seconds": 3600})
    stage.rt = replace(stage.rt, settings=settings)
    assert stage.state() is PageState.STALE


def test_a_calendar_that_is_read_is_no_reason_to_expect_a_stale_one(stage: Stage) -> None:
    stage.window(2 * DAY, 2 * DAY + HOUR, MOBILE)
    stage.change(Link, stale_choice="stop")
    assert active(stage, 2 * DAY + HOUR / 2) == [MOBILE]


def test_unreadable_titles_let_what_runs_end(stage: Stage) -> None:
    stage.window(-HOUR, HOUR, MOBILE)
    stage.window(3 * HOUR, 4 * HOUR, OTHER)
    stage.holds(MOBILE)
    lose_access(stage, state="calendar_gone", broken_reason="unreadable")
    view = stage.view
    assert (view.state, view.mode) == (PageState.GONE, Mode.FINISH)
    assert [event.held for event in view.events] == [False, True]
    problem = of_code(stage, ProblemCode.UNREADABLE)
    assert (problem.mode, problem.missed) == (Mode.FINISH, 1)
    assert active(stage) == [MOBILE]


def test_what_the_exchange_is_told_is_what_the_page_says(stage: Stage) -> None:
    """Computed by the switching itself: the fallback, and nothing for the own extension."""
    lose_access(stage, fallback_number=OFFICE)
    switching.apply_now(stage.rt, stage.link_id)
    with stage.rt.store.begin() as session:
        assert session.get_one(Forwarding, stage.link_id).desired == [["number", OFFICE]]
    stage.change(Link, fallback_number="200")
    switching.apply_now(stage.rt, stage.link_id)
    with stage.rt.store.begin() as session:
        assert session.get_one(Forwarding, stage.link_id).desired == []


@pytest.mark.parametrize("kept, told", [(OFFICE, OFFICE), ("200", ""), (None, "")])
def test_the_letter_names_a_fallback_only_where_calls_go_there(
    stage: Stage, kept: str | None, told: str
) -> None:
    lose_access(stage, fallback_number=kept, second_contact="els@bakkerij.example")
    with stage.rt.store.begin() as session:
        link = session.get_one(Link, stage.link_id)
        alarms.link_broken(stage.rt, session, link, "revoked", stage.now)
    with stage.rt.store.begin() as session:
        waiting = session.scalars(sa.select(MailOut).where(MailOut.kind == "link_broken")).all()
        assert {row.values["fallback"] for row in waiting} == {told}
