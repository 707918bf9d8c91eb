"""Access tokens: one refresh per grant, whoever and however many ask; rotation; who wins."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gcal_plugin.ports import (
    AccessToken,
    CalendarError,
    GrantedTokens,
    GrantRevoked,
    OAuthClient,
)
from gcal_plugin.services import grant_tokens, grants
from gcal_plugin.store.tables import Grant
from tests.support.world import HOUR, World


def test_a_token_is_cached_sealed_and_refreshed_only_when_it_ends(world: World) -> None:
    link = world.link()
    first = grants.access_token(world.rt, link.grant_id)
    assert grants.access_token(world.rt, link.grant_id).value == first.value
    assert len(world.asked("oauth.token")) == 1
    stored = world.grant_of(link).access_token
    assert stored is not None
    assert first.value not in stored
    world.later(HOUR)
    assert grants.access_token(world.rt, link.grant_id).value != first.value
    assert len(world.asked("oauth.token")) == 2


def test_eight_at_once_make_one_refresh(world: World) -> None:
    link = world.link()
    world.google.fault("latency", endpoint="oauth.token", seconds=0.4)
    found: list[str] = []

    def ask() -> None:
        with world.app.app_context():
            found.append(grants.access_token(world.rt, link.grant_id).value)
            world.rt.store.release()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(world.asked("oauth.token")) == 1


def test_a_refused_token_is_replaced_once(world: World) -> None:
    link = world.link()
    old = grants.access_token(world.rt, link.grant_id)
    new = grants.access_token(world.rt, link.grant_id, refused=old)
    assert new.value != old.value
    again = grants.access_token(world.rt, link.grant_id, refused=old)
    assert again.value == new.value, "somebody replaced it already"


def test_an_access_token_that_google_expired_early_costs_one_refresh(world: World) -> None:
    link = world.link()
    world.event("0612345678", world.now, world.now + HOUR)
    world.sync(link)
    world.google.expire_access_tokens()
    world.event("0687654321", world.now, world.now + HOUR)
    assert not world.sync(link).failed
    assert sorted(map(str, world.values(link))) == ["+31612345678", "+31687654321"]


def test_a_rotated_refresh_token_is_kept_and_can_be_found(world: World) -> None:
    link = world.link()
    old = world.secret_of(link)

    class Rotating:
        def __getattr__(self, name: str) -> object:
            return getattr(oauth, name)

        def refresh(self, client: OAuthClient, token: str) -> GrantedTokens:
            return replace(oauth.refresh(client, token), refresh_token="1//a-new-one-of-google")

    oauth = world.rt.oauth
    object.__setattr__(world.rt, "oauth", Rotating())
    grants.access_token(world.rt, link.grant_id)
    assert world.secret_of(link) == "1//a-new-one-of-google" != old
    grant = world.grant_of(link)
    assert grant.token_hash == grant_tokens.double_hash("1//a-new-one-of-google")


def test_a_reconnect_during_a_refusal_wins(world: World) -> None:
    """The old token is refused after a new one was stored: that is not the end of access."""
    link = world.link()
    oauth = world.rt.oauth

    class Overtaken:
        def __getattr__(self, name: str) -> object:
            return getattr(oauth, name)

        def refresh(self, client: object, token: str) -> object:
            with world.rt.store.begin() as session:
                grant = session.get(Grant, link.grant_id)
                assert grant is not None
                grant_tokens.put_refresh_token(world.rt.store.keyring, grant, "1//reconnected")
            raise GrantRevoked

    object.__setattr__(world.rt, "oauth", Overtaken())
    with pytest.raises(GrantRevoked):
        grants.access_token(world.rt, link.grant_id)
    assert world.grant_of(link).state == "live"
    assert world.fresh(link).state == "linked"
    assert world.secret_of(link) == "1//reconnected"


def test_a_key_that_is_missing_is_not_a_revocation(world: World) -> None:
    link = world.link()
    with world.rt.store.begin() as session:
        grant = session.get(Grant, link.grant_id)
        assert grant is not None
        grant.refresh_token = "v1.00000000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    with pytest.raises(CalendarError) as caught:
        grants.access_token(world.rt, link.grant_id)
    assert caught.value.reason == "cannot_open"
    assert world.fresh(link).state == "linked"


def test_tokens_are_in_no_repr() -> None:
    token = AccessToken("ya29.canary", datetime.now(UTC))
    assert "canary" not in repr(token)
