"""Security events that come late, twice, or to a process that is killed over them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from gcal_plugin.ports import OAuthClient
from gcal_plugin.services import linking, security, syncing
from gcal_plugin.store.tables import Grant, SecurityEvent
from tests.google.test_cases import JAN, PERSON, SESSION, _connect, _provisioned, _signed
from tests.support.portal import ANDER, SmallPortal
from tests.support.world import HOUR, MINUTE, Linked, World


def outcomes(world: World) -> list[str]:
    with world.rt.store.begin() as session:
        return list(session.scalars(sa.select(SecurityEvent.outcome)))


def connected(world: World) -> Linked:
    """A link that somebody made at the pages."""
    world.account(JAN)
    link_id = _provisioned(world, "200")
    _connect(world, link_id, JAN)
    calendar_id = linking.choose_calendar(world.rt, PERSON, link_id, JAN, session_key=SESSION)
    with world.rt.store.begin() as session:
        grant_id = session.scalars(sa.select(Grant.id)).one()
    return Linked(link_id, grant_id, calendar_id, "200", PERSON.domain)


def connected_again(world: World, link: Linked) -> None:
    _connect(world, link.id, JAN)
    assert linking.reconnect_same(world.rt, PERSON, link.id, session_key=SESSION)


@pytest.mark.parametrize("kind", ["tokens-revoked", "account-disabled"])
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_what_is_older_than_the_latest_consent_does_not_end_it(pushed: World, kind: str) -> None:
    link = connected(pushed)
    pushed.later(HOUR)
    late = _signed(pushed, kind)
    pushed.google.revoke(JAN)
    pushed.later(MINUTE)
    pushed.sync(link)
    syncing.sync_due(pushed.rt)
    connected_again(pushed, link)
    pushed.later(MINUTE)

    assert security.handle_security_event(pushed.rt, late) == 202
    assert outcomes(pushed) == ["ended 0, checking 1"]
    assert pushed.grant_of(link).access_token is None, "so that we hear whether it still works"
    assert list(syncing.due_calendars(pushed.rt)) == [link.calendar_id]
    assert not syncing.sync_due(pushed.rt).failed
    assert (pushed.grant_of(link).state, pushed.fresh(link).state) == ("live", "linked")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_clock_that_is_behind_only_has_the_grant_looked_at(pushed: World) -> None:
    link = connected(pushed)
    pushed.later(MINUTE)
    token = _signed(pushed, "tokens-revoked")
    pushed.google.revoke(JAN)
    assert security.handle_security_event(pushed.rt, token) == 202
    syncing.sync_due(pushed.rt)
    assert (pushed.grant_of(link).state, pushed.fresh(link).state) == ("revoked", "reconnect")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_one_that_does_not_say_when_it_was_written_ends_nothing_by_itself(pushed: World) -> None:
    link = pushed.link()
    pushed.sync(link)
    for said in (None, "yesterday", 10**18):
        token = _signed(pushed, "tokens-revoked", claims={"iat": said})
        assert security.handle_security_event(pushed.rt, token) == 202
        assert pushed.grant_of(link).state == "live"
    assert set(outcomes(pushed)) == {"ended 0, checking 1"}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_one_that_names_the_token_ends_it_whenever_it_was_written(pushed: World) -> None:
    link = pushed.link()
    old = int((pushed.now - timedelta(days=3)).timestamp())
    token = _signed(
        pushed, "token-revoked", claims={"iat": old}, algorithm="prefix",
        refresh_token=pushed.secret_of(link),
    )  # fmt: skip
    assert security.handle_security_event(pushed.rt, token) == 202
    assert pushed.grant_of(link).state == "revoked"


def test_what_was_noted_and_not_done_is_done_when_it_comes_again(
    pushed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = pushed.link()
    pushed.sync(link)
    token = _signed(pushed, "tokens-revoked")

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(security, "act", kill)
        with pytest.raises(Killed):
            security.handle_security_event(pushed.rt, token)
    assert outcomes(pushed) == ["taken"]
    assert pushed.grant_of(link).state == "live"

    assert security.handle_security_event(pushed.rt, token) == 202
    assert outcomes(pushed) == ["ended 1"]
    assert pushed.grant_of(link).state == "revoked"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_what_was_done_and_not_written_down_leaves_a_newer_consent_alone(
    pushed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = connected(pushed)
    pushed.later(HOUR)
    token = _signed(pushed, "tokens-revoked")
    pushed.google.revoke(JAN)
    with monkeypatch.context() as patch:
        patch.setattr(security, "_done", lambda *_: None)  # as if it was killed before it
        assert security.handle_security_event(pushed.rt, token) == 202
    assert pushed.fresh(link).state == "reconnect"
    connected_again(pushed, link)

    assert security.handle_security_event(pushed.rt, token) == 202
    assert outcomes(pushed) == ["ended 0, checking 1"]
    assert pushed.grant_of(link).state == "live"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_account_that_is_enabled_again_is_connected_again_by_its_owner(pushed: World) -> None:
    link = pushed.link()
    pushed.sync(link)
    disabled, enabled = (_signed(pushed, f"account-{word}") for word in ("disabled", "enabled"))
    assert security.handle_security_event(pushed.rt, disabled) == 202
    assert pushed.fresh(link).broken_reason == "account_disabled"
    pushed.later(HOUR)
    pushed.forget_asked()
    assert security.handle_security_event(pushed.rt, enabled) == 202
    assert syncing.sync_due(pushed.rt).requests == 0, "its tokens ended with it"
    assert (pushed.grant_of(link).state, pushed.fresh(link).state) == ("revoked", "reconnect")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_project_of_a_tenant_s_own_sends_to_the_same_address(pushed: World) -> None:
    link = pushed.link()
    theirs = {"aud": "client-of-a-reseller"}
    with pushed.rt.store.begin() as session:
        session.execute(sa.update(Grant).values(client_id=theirs["aud"]))
    token = _signed(pushed, "tokens-revoked", claims=theirs)
    assert security.handle_security_event(pushed.rt, token) == 400, "nobody has such a client"
    portal = pushed.rt.portal
    assert isinstance(portal, SmallPortal)
    portal.resellers["ander"] = replace(ANDER, oauth_client=OAuthClient(theirs["aud"], "secret"))
    assert security.handle_security_event(pushed.rt, token) == 202
    assert pushed.grant_of(link).state == "revoked"
