"""When things happened to a request, and how long it waits: notes and hand-overs do not count."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from gcal_plugin.services.onboarding import building, desk, ending, quoting
from gcal_plugin.services.onboarding.errors import ChangedMeanwhile
from gcal_plugin.services.reporting.requests import timeline
from tests.support.portal import DESK, JAN

from .conftest import BEGIN, World
from .test_life import ask, quoted, ready


def dates(world: World, request_id: UUID) -> dict[str, datetime | None]:
    seen = desk.request_view(world.rt, JAN, request_id)
    return {step.code: step.at for step in timeline(seen.state, seen.steps)}


def note(world: World, request_id: UUID) -> None:
    desk.write_note(world.rt, DESK, request_id, None, "Even geduld")


def take_over(world: World, request_id: UUID) -> None:
    desk.take_over(world.rt, DESK, request_id, None)


ASIDE = [note, take_over]


@pytest.mark.parametrize("aside", ASIDE)
def test_a_request_was_made_when_it_was_made(world: World, aside: Callable[..., Any]) -> None:
    request_id = ask(world)
    world.pass_time(days=2)
    aside(world, request_id)
    assert dates(world, request_id)["requested"] == BEGIN


@pytest.mark.parametrize("aside", ASIDE)
def test_what_waits_goes_on_waiting_while_somebody_writes_about_it(
    world: World, aside: Callable[..., Any]
) -> None:
    first = ask(world)
    world.pass_time(days=1)
    second = ask(world, "201")
    world.pass_time(days=3)
    aside(world, first)
    rows = desk.queue(world.rt, DESK, desk.Filter()).rows
    assert [(row.id, row.age, row.stuck) for row in rows] == [
        (first, timedelta(days=4), True), (second, timedelta(days=3), False),
    ]  # fmt: skip


def test_an_end_that_is_planned_or_withdrawn_moves_no_date(world: World) -> None:
    request_id = ready(world)
    world.pass_time(days=1)
    ending.end_contract(world.rt, DESK, request_id, None, ends_on="2026-03-20")
    world.pass_time(days=1)
    ending.keep_contract(world.rt, DESK, request_id, None)
    assert dates(world, request_id)["ready"] == BEGIN


def test_setting_up_is_under_way_until_the_line_is_ready(world: World) -> None:
    """The page says "we are setting up": its step must not be ticked beside that."""
    request_id = quoted(world)
    quoting.agree(world.rt, JAN, request_id, None, quote=1)
    building.start(world.rt, DESK, request_id, None)

    def states() -> list[str]:
        seen = desk.request_view(world.rt, JAN, request_id)
        return [step.state for step in timeline(seen.state, seen.steps)]

    assert states() == ["done", "done", "done", "now", "later", "later"]
    assert dates(world, request_id)["provisioning"] == BEGIN
    building.finish(world.rt, DESK, request_id, None)
    assert states() == ["done", "done", "done", "done", "done", "now"]


def test_a_new_quote_has_the_date_of_the_new_quote(world: World) -> None:
    request_id = quoted(world)
    world.pass_time(days=1)
    note(world, request_id)
    world.pass_time(days=1)
    quoting.make_quote(world.rt, DESK, request_id, None, quoting.Offer("1", "1", "2026-03-31"))
    assert dates(world, request_id)["quoted"] == BEGIN + timedelta(days=2)


def test_the_age_begins_anew_with_each_step(world: World) -> None:
    request_id = quoted(world)
    world.pass_time(days=5)
    quoting.agree(world.rt, JAN, request_id, None, quote=1)
    world.pass_time(hours=1)
    building.start(world.rt, DESK, request_id, None)
    assert desk.request_view(world.rt, JAN, request_id).age == timedelta(0)


def test_the_same_note_sent_twice_from_one_page_is_told_once(world: World) -> None:
    """A note moves no date, yet a page that was opened before it is old."""
    request_id = ask(world)
    version = desk.request_view(world.rt, DESK, request_id, desk=True).version
    desk.write_note(world.rt, DESK, request_id, version, "Dag")
    with pytest.raises(ChangedMeanwhile):
        desk.write_note(world.rt, DESK, request_id, version, "Dag")
    version = desk.request_view(world.rt, DESK, request_id, desk=True).version
    desk.write_note(world.rt, DESK, request_id, version, "Dag")
    with pytest.raises(ChangedMeanwhile):
        desk.write_note(world.rt, DESK, request_id, version, "Dag")
