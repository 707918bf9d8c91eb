"""Somebody at the page of calendars, beside a fleet that uses up the quota."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from gcal_plugin.google.governed import GovernedCalendars
from gcal_plugin.google.governor import Governor, Quota
from gcal_plugin.ports import AccessToken, CalendarInfo
from gcal_plugin.services import linking
from tests.google.test_cases import JAN, PERSON, SESSION, _connect, _provisioned
from tests.google.test_governor import admitted, asker
from tests.support.world import World

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


class Noting:
    """A source that notes with which tokens it was asked for lists."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.listed: list[AccessToken] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def calendars(self, access: AccessToken) -> list[CalendarInfo]:
        self.listed.append(access)
        found: list[CalendarInfo] = self._source.calendars(access)
        return found


def test_who_chooses_a_calendar_uses_what_is_kept_for_people(world: World, redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        governor = Governor(redis, Quota(600, 6000), patience=0.0, urgent_patience=0.0)
        noting = Noting(GovernedCalendars(world.bare, governor))
        object.__setattr__(world.rt, "calendars", noting)
        world.account(JAN)
        link_id = _provisioned(world, "200")
        _connect(world, link_id, JAN)
        client = world.google.client_id
        many = [asker(f"u{number}", client=client) for number in range(100)]
        for again in range(3):  # with a consent, for its choice, and when it is linked
            admitted(governor, many)
            assert admitted(governor, [asker("another", client=client)]) == 0
            choice = linking.calendar_choice(world.rt, PERSON, link_id, session_key=SESSION)
            assert [one.id for one in choice.calendars] == [JAN]
            if not again:
                linking.choose_calendar(world.rt, PERSON, link_id, JAN, session_key=SESSION)
        assert len(noting.listed) == 4
        assert {(one.urgent, one.tenant_id) for one in noting.listed} == {(True, "bel")}


def test_a_token_that_google_ended_is_replaced_for_the_list(world: World) -> None:
    link_id = _provisioned(world, "200")
    world.account(JAN)
    _connect(world, link_id, JAN)
    linking.choose_calendar(world.rt, PERSON, link_id, JAN, session_key=SESSION)
    world.google.expire_access_tokens()
    choice = linking.calendar_choice(world.rt, PERSON, link_id, session_key=SESSION)
    assert [one.id for one in choice.calendars] == [JAN]
