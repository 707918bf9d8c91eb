"""Consents that nobody confirms: withdrawn at Google, unless something of ours uses the account."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from gcal_plugin.ports import GrantRevoked
from gcal_plugin.services import grants, linking, privacy, purging
from gcal_plugin.services.linking.connect import CONSENT_LIFE
from gcal_plugin.services.linking.withdrawing import withdraw_unconfirmed
from gcal_plugin.store.tables import Consent, Grant
from tests.google.test_cases import JAN, PERSON, SESSION, _connect, _provisioned
from tests.support.world import MINUTE, World

OTHER = "ander@gmail.example"
OVER = CONSENT_LIFE + MINUTE


@pytest.fixture(autouse=True)
def accounts(world: World) -> None:
    world.account(JAN)
    world.account(OTHER)


def consents(world: World) -> list[str]:
    with world.rt.store.begin() as session:
        return list(session.scalars(sa.select(Consent.email)))


def withdrawn(world: World) -> int:
    return len(world.asked("oauth.revoke"))


def linked(world: World, extension: str, email: str = JAN) -> None:
    link_id = _provisioned(world, extension)
    _connect(world, link_id, email)
    linking.choose_calendar(world.rt, PERSON, link_id, email, session_key=SESSION)


def grant_works(world: World) -> bool:
    with world.rt.store.begin() as session:
        (grant,) = session.scalars(sa.select(Grant))
        grant.access_token, grant_id = None, grant.id
    try:
        grants.access_token(world.rt, grant_id)
    except GrantRevoked:
        return False
    return True


def test_what_is_not_confirmed_in_time_is_withdrawn(world: World) -> None:
    _connect(world, _provisioned(world, "200"), JAN)
    assert withdraw_unconfirmed(world.rt) == 0, "it may be confirmed yet"
    world.later(OVER)
    assert withdraw_unconfirmed(world.rt) == 1
    assert (consents(world), withdrawn(world)) == ([], 1)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_wrong_account_is_withdrawn_when_the_right_one_comes(world: World) -> None:
    link_id = _provisioned(world, "200")
    _connect(world, link_id, OTHER)
    _connect(world, link_id, JAN)
    assert (consents(world), withdrawn(world)) == ([JAN], 1)
    _connect(world, link_id, JAN)
    assert (consents(world), withdrawn(world)) == ([JAN], 1), "the same account goes on"
    linking.choose_calendar(world.rt, PERSON, link_id, JAN, session_key=SESSION)
    assert grant_works(world)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_account_that_a_link_uses_is_left_alone(world: World) -> None:
    linked(world, "200")
    _connect(world, _provisioned(world, "201"), JAN)
    world.later(OVER)
    assert withdraw_unconfirmed(world.rt) == 1
    assert (consents(world), withdrawn(world)) == ([], 0)
    assert grant_works(world)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_account_that_is_being_confirmed_elsewhere_is_left_alone(world: World) -> None:
    _connect(world, _provisioned(world, "200"), JAN)
    world.later(OVER)
    other = _provisioned(world, "201")
    _connect(world, other, JAN)
    assert withdraw_unconfirmed(world.rt) == 1
    assert (consents(world), withdrawn(world)) == ([JAN], 0)
    linking.choose_calendar(world.rt, PERSON, other, JAN, session_key=SESSION)
    assert grant_works(world)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_google_is_asked_again_for_a_day_and_then_it_is_forgotten(world: World) -> None:
    _connect(world, _provisioned(world, "200"), JAN)
    world.later(OVER)
    world.google.fault("backendError", endpoint="oauth.revoke", count=1)
    assert withdraw_unconfirmed(world.rt) == 0
    purging.purge(world.rt)
    assert consents(world) == [JAN]
    assert withdraw_unconfirmed(world.rt) == 1

    _connect(world, _provisioned(world, "201"), JAN)
    world.later(OVER + timedelta(days=1))
    purging.purge(world.rt)
    assert consents(world) == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_disconnect_withdraws_what_was_pending_beside_it(world: World) -> None:
    link_id = _provisioned(world, "200")
    _connect(world, link_id, JAN)
    linking.choose_calendar(world.rt, PERSON, link_id, JAN, session_key=SESSION)
    _connect(world, link_id, OTHER)
    report = linking.disconnect(world.rt, PERSON, link_id)
    assert report.access is linking.Withdrawn.DONE
    assert (consents(world), withdrawn(world)) == ([], 2)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_erasing_an_account_withdraws_what_was_pending(world: World) -> None:
    _connect(world, _provisioned(world, "200"), JAN)
    privacy.erase_account(world.rt, PERSON.tenant_id, PERSON.id, actor="operator:x")
    assert (consents(world), withdrawn(world)) == ([], 1)
