"""A portal that breaks on an account, or altogether: what must happen to a line still happens."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from gcal_plugin.ports import Account, Tenant
from gcal_plugin.services import breaking
from gcal_plugin.services.linking import disconnecting
from gcal_plugin.services.onboarding import direct, ending, quoting
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.store.tables import Forwarding, Grant, Link, MailOut, Request
from tests.support.portal import ANNA, DESK, JAN

from .conftest import World
from .test_life import quoted, ready


def break_on(world: World, broken: str, *, tenant: bool = False) -> None:
    ask = world.portal.account

    def account(account_id: str) -> Account | None:
        if account_id == broken:
            raise TimeoutError("the accounts do not answer")
        return ask(account_id)

    def no_tenant(tenant_id: str) -> Tenant | None:
        raise TimeoutError("the tenants do not answer")

    world.portal.account = account  # type: ignore[method-assign]
    if tenant:
        world.portal.tenant = no_tenant  # type: ignore[method-assign]


def two_contracts(world: World) -> tuple[UUID, UUID]:
    """Jan's and Anna's, that end on the twentieth; their letters so far have gone out."""
    of_jan = ready(world)
    of_anna = direct.provision_for(
        world.rt, "bel", email=ANNA.email, extension="201", who="operator:cli"
    )
    for request_id in (of_jan, of_anna):
        ending.end_contract(world.rt, DESK, request_id, None, ends_on="2026-03-20")
    world.deliver().letters.clear()
    world.pass_time(days=30)
    return of_jan, of_anna


def test_contracts_end_although_the_portal_breaks_on_one_account(world: World) -> None:
    two_contracts(world)
    break_on(world, "jan")
    assert ending.end_due(world.rt) == 2
    assert {row.state for row in world.rows(Request)} == {"ended"}
    assert all(link.ended_at is not None for link in world.rows(Link))
    letters = world.rows(MailOut, MailOut.kind == "ended")
    assert {row.recipient for row in letters} == {JAN.email, ANNA.email}  # as it was asked for


def test_one_contract_that_cannot_end_does_not_keep_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_jan, _ = two_contracts(world)
    end = ending._end

    def broken(rt: Runtime, request_id: UUID, who: str) -> bool:
        if request_id == of_jan:
            raise ZeroDivisionError("a fault of ours")
        return end(rt, request_id, who)

    monkeypatch.setattr(ending, "_end", broken)
    with pytest.raises(ZeroDivisionError):  # the job is told as failed
        ending.end_due(world.rt)
    assert {row.account_id: row.state for row in world.rows(Request)} == {
        "jan": "ready", "anna": "ended",
    }  # fmt: skip


def test_google_that_breaks_on_one_grant_does_not_keep_the_other_contracts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_contracts(world)
    linked(world)
    monkeypatch.setattr(disconnecting, "release", fail)
    with pytest.raises(ZeroDivisionError):
        ending.end_due(world.rt)
    assert {row.state for row in world.rows(Request)} == {"ended"}


def test_a_reminder_goes_out_although_the_portal_breaks(world: World) -> None:
    quoted(world)
    [row] = world.rows(Request)
    assert row.valid_until is not None
    world.instant = row.valid_until - timedelta(days=1)
    break_on(world, "jan", tenant=True)
    assert quoting.remind(world.rt) == 1
    [letter] = world.rows(MailOut, MailOut.kind == "quote_reminder")
    assert letter.recipient == JAN.email


@pytest.mark.parametrize("tenant", [False, True])
def test_lost_access_stops_the_line_although_the_portal_breaks(world: World, tenant: bool) -> None:
    ready(world)
    world.deliver()
    grant_id = linked(world)
    break_on(world, "jan", tenant=tenant)
    assert breaking.grant_lost(world.rt, grant_id, "revoked") == 1
    [link] = world.rows(Link)
    assert (link.state, link.broken_reason) == ("reconnect", "revoked")
    [row] = world.rows(Forwarding)
    assert row.due_at == world.instant
    # Its owner is not known now; support is, unless no tenant is and we have none of our own.
    told = [row.recipient for row in world.rows(MailOut, MailOut.kind == "link_broken")]
    assert told == ([] if tenant else ["desk@bel.example"])


def linked(world: World) -> UUID:
    """Jan's line with a grant."""
    with world.rt.store.begin() as session:
        grant = Grant(client_id="c", subject="s", email="j@gmail.example", created_at=world.instant)
        session.add(grant)
        session.flush()
        [link] = [one for one in world.rows(Link) if one.account_id == "jan"]
        row = session.get_one(Link, link.id)
        row.state, row.grant_id = "linked", grant.id
        return grant.id


def fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError("a fault of ours")
