"""What Google refuses, and what may be concluded from it: a link breaks on certainty only."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gcal_plugin.google.errors import from_answer
from gcal_plugin.services import reporting, syncing
from gcal_plugin.services.sync_failures import PROJECT_FAULTS
from gcal_plugin.store.tables import MailOut
from gcal_plugin.web import words_board
from gcal_plugin.web.metrics import exposition
from tests.support.world import HOUR, MINUTE, Linked, World

JAN = "jan@gmail.example"
PIET = "+31612345678"

on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def link(world: World) -> Linked:
    """A link whose forward is on."""
    made = world.link()
    world.event("0612345678", world.now, world.now + 8 * HOUR)
    world.sync(made)
    assert world.rings(made) == {PIET}
    return made


def letters(world: World) -> int:
    with world.rt.store.begin() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(MailOut)) or 0


def next_in(world: World, link: Linked) -> timedelta:
    """How long from now until its next fetch."""
    at = world.calendar_of(link).next_sync_at
    assert at is not None
    return at - world.now


def looked_again(world: World, link: Linked) -> None:
    """Let the next fetch come when it is due."""
    world.later(next_in(world, link))
    report = syncing.sync_due(world.rt)
    assert link.calendar_id in report.failed


NOT_THE_CALENDAR_S = [
    ("html", {"status": 404}),
    ("html", {"status": 403}),
    ("error", {"status": 404, "reason": "somethingElse"}),
    ("error", {"status": 403, "reason": "accessNotConfigured"}),
    ("error", {"status": 403, "reason": "dailyLimitExceededUnreg"}),
    ("error", {"status": 403, "reason": "concurrentLimitExceeded"}),
    ("error", {"status": 403, "reason": "domainPolicy"}),
    ("error", {"status": 403, "reason": "aReasonThatNobodyKnows"}),
]


@on_sqlite
@pytest.mark.parametrize("kind, options", NOT_THE_CALENDAR_S, ids=str)
def test_what_is_no_word_about_the_calendar_breaks_no_link(
    world: World, link: Linked, kind: str, options: dict[str, Any]
) -> None:
    world.google.fault(kind, endpoint="events.list", **options)
    world.later(MINUTE)
    world.sync(link)
    for _ in range(4):
        looked_again(world, link)
        assert next_in(world, link) <= 15 * MINUTE
    assert world.fresh(link).state == "linked"
    assert world.rings(link) == {PIET}
    assert letters(world) == 0
    world.google.clear_faults()
    world.later(next_in(world, link))
    assert link.calendar_id in syncing.sync_due(world.rt).synced


@on_sqlite
@pytest.mark.parametrize(
    "kind, state, reason",
    [
        ("notFound", "calendar_gone", "gone"),
        ("forbidden", "calendar_gone", "unreadable"),
        ("notACalendarUser", "calendar_gone", "unreadable"),
        ("insufficientPermissions", "reconnect", "revoked"),
    ],
)
def test_a_refusal_counts_when_it_was_heard_twice_a_minute_apart(
    world: World, link: Linked, kind: str, state: str, reason: str
) -> None:
    world.google.fault(kind, endpoint="events.list")
    world.later(MINUTE)
    world.sync(link)
    assert MINUTE <= next_in(world, link) <= 1.25 * MINUTE
    world.later(timedelta(seconds=2))
    world.sync(link)
    assert world.fresh(link).state == "linked", "asked again at once, it is the same word"
    assert next_in(world, link) <= 1.25 * MINUTE, "and puts nothing off"
    assert world.rings(link) == {PIET}
    looked_again(world, link)
    assert (world.fresh(link).state, world.fresh(link).broken_reason) == (state, reason)
    assert letters(world) > 0


@on_sqlite
@pytest.mark.parametrize("between", ["an answer", "another refusal"])
def test_a_refusal_that_was_not_repeated_is_forgotten(
    world: World, link: Linked, between: str
) -> None:
    world.google.fault("notFound", endpoint="events.list", count=1)
    if between == "another refusal":
        world.google.fault("backendError", endpoint="events.list", count=1)
    world.later(MINUTE)
    world.sync(link)
    for _ in range(2):
        world.later(next_in(world, link))
        syncing.sync_due(world.rt)
    world.google.fault("notFound", endpoint="events.list", count=1)
    world.later(next_in(world, link))
    assert link.calendar_id in syncing.sync_due(world.rt).failed
    assert world.fresh(link).state == "linked"
    assert world.rings(link) == {PIET}


@on_sqlite
def test_a_calendar_that_vanished_is_asked_for_rarely_and_found_again(
    world: World, link: Linked
) -> None:
    world.google.fault("notFound", endpoint="events.list")
    world.later(MINUTE)
    world.sync(link)
    for _ in range(3):
        looked_again(world, link)
    assert world.fresh(link).state == "calendar_gone"
    assert next_in(world, link) >= 29 * MINUTE
    world.google.clear_faults()
    world.later(next_in(world, link))
    syncing.sync_due(world.rt)
    assert world.fresh(link).state == "linked"


def test_a_page_that_is_not_google_s_is_never_the_last_word() -> None:
    for status in range(400, 600):
        if status != 410:
            assert not from_answer(status, {}, b"<html>").permanent


@on_sqlite
def test_a_delta_that_google_calls_invalid_is_listed_anew_at_once(
    world: World, link: Linked
) -> None:
    world.event("0687654321", world.now, world.now + HOUR)
    world.google.fault("error", endpoint="events.list", status=400, reason="invalid", count=1)
    world.later(MINUTE)
    world.forget_asked()
    assert link.calendar_id in world.sync(link).synced
    assert ["syncToken" in one["path"] for one in world.asked()] == [True, False]
    assert len(world.values(link)) == 2
    world.later(MINUTE)
    world.forget_asked()
    assert link.calendar_id in world.sync(link).synced
    assert ["syncToken" in one["path"] for one in world.asked()] == [True]


@on_sqlite
def test_a_later_page_that_google_calls_invalid_has_the_window_listed_soon(
    world: World, link: Linked
) -> None:
    for hour in range(3):
        world.event("0687654321", world.now + hour * HOUR, world.now + (hour + 1) * HOUR)
    world.google.fault("page_size", size=1)
    world.google.fault(
        "error", endpoint="events.list", status=400, reason="invalid", skip=1, count=1
    )
    world.later(MINUTE)
    assert link.calendar_id in world.sync(link).failed
    assert world.rings(link) == {PIET}
    assert next_in(world, link) <= MINUTE
    world.later(next_in(world, link))
    assert link.calendar_id in syncing.sync_due(world.rt).synced
    assert len(world.values(link)) == 4


@on_sqlite
@pytest.mark.parametrize(
    "kind, endpoint, options, code",
    [
        (
            *("error", "events.list"),
            {"status": 403, "reason": "accessNotConfigured"},
            "accessNotConfigured",
        ),
        ("invalid_client", "oauth.token", {}, "invalid_client"),
    ],
)
def test_what_only_an_operator_can_mend_is_told_to_the_operators(
    world: World, link: Linked, kind: str, endpoint: str, options: dict[str, Any], code: str
) -> None:
    world.google.fault(kind, endpoint=endpoint, **options)
    world.later(2 * HOUR)
    assert link.calendar_id in world.sync(link).failed
    seen = reporting.board(world.rt)
    refused = [one for one in seen.halted if one.what is reporting.Standstill.GOOGLE]
    assert [one.codes for one in refused] == [(code,)]
    what, _ = words_board.halted(refused[0])
    assert words_board.reason(code) in what
    assert [row.reason for row in seen.rows if row.wrong is reporting.Wrong.STALE] == [code]
    text = exposition(seen.signals, ["bel"]).decode()
    assert f'gcal_calendars_failing{{reason="{code}"}} 1.0' in text
    world.google.clear_faults()
    world.sync(link)
    assert not [one for one in reporting.board(world.rt).halted if one.codes]


def test_every_code_of_the_project_has_its_alarm_and_its_words() -> None:
    rules = (Path(__file__).parents[2] / "docs/operate/alerts.yml").read_text()
    (told,) = re.findall(r'gcal_calendars_failing\{reason=~"([^"]+)"', rules)
    assert set(told.split("|")) == PROJECT_FAULTS
    runbook = (Path(__file__).parents[2] / "docs/operate.md").read_text()
    assert [code for code in PROJECT_FAULTS if f"`{code}`" not in runbook] == []
