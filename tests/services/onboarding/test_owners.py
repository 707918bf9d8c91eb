"""Whose request it is: a link that a colleague took over, and an account that is gone or closed."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from gcal_plugin.services import alarms, linking, privacy
from gcal_plugin.services.onboarding import building, desk, direct, ending, quoting
from gcal_plugin.services.onboarding.errors import NotOnExchange
from gcal_plugin.store.tables import Link, MailOut, Request, RequestStep
from tests.support.portal import ANNA, DESK, JAN

from .conftest import World
from .test_life import quoted, ready


def taken_over(world: World) -> UUID:
    """Jan's line, ready, in the hands of Anna; his letters have gone out. Answers the request."""
    request_id = ready(world)
    world.deliver()
    world.mailbox.letters.clear()
    linking.take_over(world.rt, ANNA, world.rows(Link)[0].id)
    return request_id


def break_link(world: World) -> None:
    with world.rt.store.begin() as session:
        link = session.get_one(Link, world.rows(Link)[0].id)
        link.state, link.broken_at, link.broken_reason = "reconnect", world.instant, "revoked"
        alarms.link_broken(world.rt, session, link, "revoked", world.instant)


def test_the_request_goes_along_with_the_link_and_says_so(world: World) -> None:
    request_id = taken_over(world)
    [row] = world.rows(Request)
    assert (row.account_id, row.account_email) == (ANNA.id, ANNA.email)
    seen = desk.request_view(world.rt, ANNA, request_id)
    last = seen.steps[-1]
    assert (last.action, last.actor, last.detail) == (
        "owner_changed", "customer:anna", {"before": "jan"},
    )  # fmt: skip


def test_letters_about_the_end_go_to_whoever_has_the_link_now(world: World) -> None:
    request_id = taken_over(world)
    ending.end_contract(world.rt, DESK, request_id, None, ends_on="2026-03-20")
    world.deliver()
    assert len(world.mailbox.subjects(ANNA.email)) == 1
    assert world.mailbox.subjects(JAN.email) == []


def test_the_new_owner_is_no_stranger_to_the_line(world: World) -> None:
    request_id = taken_over(world)
    again = direct.provision_for(
        world.rt, "bel", email=ANNA.email, extension="200", who="operator:cli"
    )
    assert again == request_id


def test_erasing_whoever_left_leaves_the_line_of_the_new_owner(world: World) -> None:
    request_id = taken_over(world)
    privacy.erase_account(world.rt, "bel", "jan", actor="operator:cli")
    assert [(x.account_id, x.ended_at) for x in world.rows(Link)] == [("anna", None)]
    ending.end_contract(world.rt, DESK, request_id, None)
    assert desk.request_view(world.rt, ANNA, request_id).state == "ended"


def test_letters_that_wait_go_to_the_new_owner_by_name(world: World) -> None:
    ready(world)
    linking.set_precautions(
        world.rt, JAN, world.rows(Link)[0].id,
        stale_choice="keep", fallback_title="", second_contact="els@bakkerij.example",
    )  # fmt: skip
    break_link(world)
    linking.take_over(world.rt, replace(ANNA, locale="en"), world.rows(Link)[0].id)
    waiting = world.rows(MailOut, MailOut.state == "waiting")
    assert [row for row in waiting if row.recipient == JAN.email] == []
    broken = [row for row in waiting if row.kind == "link_broken"]
    assert sorted(row.recipient for row in broken) == [ANNA.email] * 5 + ["els@bakkerij.example"]
    for row in waiting:
        if row.recipient == ANNA.email:
            assert (row.values["name"], row.locale) == (ANNA.name, "en")
    # What the desk is told stays with the desk.
    assert {row.recipient for row in waiting if row.kind.endswith("_desk")} == {"desk@bel.example"}


def test_taking_over_what_is_ones_own_writes_nothing(world: World) -> None:
    taken_over(world)
    before = len(world.rows(RequestStep))
    linking.take_over(world.rt, ANNA, world.rows(Link)[0].id)
    assert len(world.rows(RequestStep)) == before


# -- an account that the portal no longer has, or closed ----------------------------------------


@pytest.mark.parametrize("gone, check", [(True, "unknown_account"), (False, "closed_account")])
def test_nothing_is_made_ready_for_an_account_that_nobody_can_use(
    world: World, gone: bool, check: str
) -> None:
    request_id = quoted(world)
    quoting.agree(world.rt, JAN, request_id, None, quote=1)
    building.start(world.rt, DESK, request_id, None)
    if gone:
        del world.portal.people["jan"]
    else:
        world.portal.people["jan"] = replace(JAN, closed=True)
    found = building.checklist(world.rt, DESK, request_id)
    assert (found.holder, found.good) == (check, False)
    with pytest.raises(NotOnExchange) as caught:
        building.finish(world.rt, DESK, request_id, None)
    assert caught.value.check == check
    assert world.rows(Link) == []


@pytest.mark.parametrize("gone", [True, False])
def test_support_hears_of_a_broken_line_whose_owner_cannot(world: World, gone: bool) -> None:
    ready(world)
    world.deliver()
    world.mailbox.letters.clear()
    if gone:
        del world.portal.people["jan"]
    else:
        world.portal.people["jan"] = replace(JAN, closed=True)
    break_link(world)
    world.deliver()
    [mail] = world.mailbox.letters
    assert mail.to == ("desk@bel.example",)
    assert "200@bakkerij.example" in mail.subject
