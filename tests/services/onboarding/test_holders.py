"""Accounts of live links that the portal closed or no longer has: told, never acted upon."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from gcal_plugin.ports import Account
from gcal_plugin.services import holders, linking, repairing
from gcal_plugin.services.access import as_operator
from gcal_plugin.services.reporting import Wrong, WrongRow, board
from gcal_plugin.store.tables import Audit, Forwarding, Link, MailOut
from tests.support.portal import ANNA, JAN, OPERATOR

from .conftest import World
from .test_life import ready


def the_link(world: World) -> Link:
    [link] = world.rows(Link)
    return link


def links(world: World, count: int) -> list[UUID]:
    """So many more links, each of an account of its own that the portal knows."""
    with world.rt.store.begin() as session:
        made = []
        for place in range(count):
            account = replace(JAN, id=f"many{place:03d}")
            world.portal.people[account.id] = account
            made.append(
                Link(
                    tenant_id="bel", account_id=account.id, pbx="main", domain="many.example",
                    extension=str(500 + place), state="linked", created_at=world.instant,
                )
            )  # fmt: skip
        session.add_all(made)
        session.flush()
        return [one.id for one in made]


def leave(world: World, *, gone: bool) -> str:
    """Jan's account is deleted, or closed; answers the code of it."""
    if gone:
        del world.portal.people["jan"]
        return "unknown_account"
    world.portal.people["jan"] = replace(JAN, closed=True)
    return "closed_account"


def told(world: World) -> list[WrongRow]:
    return [row for row in board(world.rt).rows if row.wrong is Wrong.HOLDER]


@pytest.mark.parametrize("gone", [True, False])
def test_a_line_whose_account_left_is_on_the_board_and_goes_on(world: World, gone: bool) -> None:
    ready(world)
    before, letters = the_link(world), len(world.rows(MailOut))
    due = [(row.due_at, row.generation) for row in world.rows(Forwarding)]
    holders.look(world.rt)
    assert told(world) == []
    code = leave(world, gone=gone)
    world.pass_time(hours=2)
    lost_at = world.instant
    assert holders.look(world.rt) == 1
    [row] = told(world)
    assert (row.reason, row.since, row.extension, row.retry) == (code, lost_at, "200", True)
    assert board(world.rt).counts[Wrong.HOLDER] == 1
    assert board(world.rt, tenant_id="other").counts[Wrong.HOLDER] == 0
    assert [one.wrong[Wrong.HOLDER] for one in board(world.rt).tenants] == [1]
    # Whether it ends is for a person to say.
    after = the_link(world)
    assert (after.state, after.ended_at, after.broken_at) == (before.state, None, None)
    assert [(row.due_at, row.generation) for row in world.rows(Forwarding)] == due
    assert len(world.rows(MailOut)) == letters
    world.pass_time(hours=2)
    holders.look(world.rt)
    assert [one.since for one in told(world)] == [lost_at]  # since when, not since the last look


def test_an_account_that_is_back_is_told_no_more(world: World) -> None:
    ready(world)
    leave(world, gone=True)
    holders.look(world.rt)
    assert len(told(world)) == 1
    world.portal.people["jan"] = JAN
    holders.look(world.rt)
    assert len(told(world)) == 1  # what was asked a moment ago is not asked again
    world.pass_time(hours=2)
    holders.look(world.rt)
    assert told(world) == []


def test_whoever_takes_the_line_over_is_its_holder(world: World) -> None:
    ready(world)
    leave(world, gone=True)
    holders.look(world.rt)
    linking.take_over(world.rt, ANNA, the_link(world).id)
    assert told(world) == []


def test_an_ended_line_is_nobodys(world: World) -> None:
    ready(world)
    leave(world, gone=True)
    holders.look(world.rt)
    with world.rt.store.begin() as session:
        session.get_one(Link, the_link(world).id).ended_at = world.instant
    assert told(world) == []
    world.pass_time(hours=2)
    assert holders.look(world.rt) == 0


def test_a_press_asks_the_portal_at_once(world: World) -> None:
    ready(world)
    leave(world, gone=False)
    holders.look(world.rt)
    [row] = told(world)
    viewer = as_operator(OPERATOR)
    assert viewer is not None
    repairing.retry(world.rt, viewer, Wrong.HOLDER, row.key, actor="operator:o")
    assert len(told(world)) == 1  # it is still closed
    world.portal.people["jan"] = JAN
    repairing.retry(world.rt, viewer, Wrong.HOLDER, row.key, actor="operator:o")
    assert told(world) == []
    audits = world.rows(Audit, Audit.action == "retry")
    assert [one.subject for one in audits] == [f"link:{row.key}"] * 2


def test_a_round_is_bounded_and_the_next_goes_on(world: World) -> None:
    links(world, 5)
    for expected in (2, 2, 1, 0):
        assert holders.look(world.rt, 2) == expected
    world.pass_time(hours=2)
    assert holders.look(world.rt, 3) == 3


def test_one_of_two_lines_of_an_account_is_asked_for_both(world: World) -> None:
    first, second = links(world, 2)
    with world.rt.store.begin() as session:
        session.get_one(Link, second).account_id = session.get_one(Link, first).account_id
    asked = count_asked(world)
    assert holders.look(world.rt) == 2
    assert asked == ["many000"]


def test_an_account_on_which_the_portal_breaks_holds_up_nobody(world: World) -> None:
    links(world, 3)
    del world.portal.people["many002"]
    break_on(world, {"many000"})
    assert holders.look(world.rt) == 2
    assert [row.extension for row in told(world)] == ["502"]
    assert holders.look(world.rt) == 0  # it is asked again in its turn


def test_a_portal_that_answers_nothing_tells_nothing(world: World) -> None:
    """Its absence is no account's: what was known stays, and nobody waits for it for long."""
    ready(world)
    leave(world, gone=True)
    holders.look(world.rt)
    made = links(world, 20)
    asked = count_asked(world)
    break_on(world, {f"many{place:03d}" for place in range(len(made))} | {"jan"})
    world.pass_time(hours=2)
    assert holders.look(world.rt) == 0
    assert len(asked) == holders.SILENT
    assert [row.extension for row in told(world)] == ["200"]


def test_a_slow_portal_is_left_after_a_while(world: World) -> None:
    links(world, 4)
    ticks = iter(range(0, 1_000, int(holders.PATIENCE)))
    assert holders.look(world.rt, monotonic=lambda: float(next(ticks))) == 1
    assert holders.look(world.rt) == 3


def test_who_took_over_while_the_portal_was_asked_is_not_taken_for_gone(world: World) -> None:
    ready(world)
    link_id = the_link(world).id
    ask = world.portal.account

    def slowly(account_id: str) -> Account | None:
        if account_id == "jan":
            linking.take_over(world.rt, ANNA, link_id)
            return None
        return ask(account_id)

    world.portal.account = slowly  # type: ignore[method-assign]
    holders.look(world.rt)
    assert told(world) == []


def count_asked(world: World) -> list[str]:
    ask, asked = world.portal.account, []

    def noted(account_id: str) -> Account | None:
        asked.append(account_id)
        return ask(account_id)

    world.portal.account = noted  # type: ignore[method-assign]
    return asked


def break_on(world: World, ids: set[str]) -> None:
    ask = world.portal.account

    def broken(account_id: str) -> Account | None:
        # Noted first by whoever counts, then it breaks.
        found = ask(account_id)
        if account_id in ids:
            raise TimeoutError("the portal's database does not answer")
        return found

    world.portal.account = broken  # type: ignore[method-assign]


def test_it_comes_round_often_enough() -> None:
    from gcal_plugin.jobs.duties import DUTIES

    [every] = [duty.every for duty in DUTIES if duty.care == "holders"]
    a_day = timedelta(days=1).total_seconds()
    assert holders.PORTION * a_day / every >= 100_000
