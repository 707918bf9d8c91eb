"""Google away for six hours, a thousand links, simulated time: nobody's forward notices."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from example_app.fake_google.process import LocalGoogle
from gcal_plugin.google.calendar import GoogleCalendars
from gcal_plugin.google.governed import GovernedCalendars
from gcal_plugin.google.governor import Governor, Quota
from gcal_plugin.google.metadata import Metadata
from gcal_plugin.google.oauth import GoogleOAuth
from gcal_plugin.ports import CalendarSource, Line, OAuthPort
from gcal_plugin.services import grant_tokens, switching, syncing
from gcal_plugin.store.tables import Calendar, Forwarding, Grant, Link
from tests.servers.databases import Databases
from tests.servers.ports import free_port
from tests.support.runtime import make_app, make_schema
from tests.support.world import HOUR, MINUTE, MONDAY, World

LINKS = 1000
PIET = "+31612345678"
STEP = 30 * MINUTE
QUOTA = 3000
ALONE = QUOTA / 10
"""Without Redis a process takes a tenth of the quota, in requests a minute."""


@pytest.fixture
def fleet(google: LocalGoogle, databases: Databases) -> Iterator[World]:
    with databases.fresh("postgres", key="schema", prepare=make_schema) as url:
        app, db = make_app(url)
        with app.app_context():
            world = World(db, google)
            google.control(
                "POST", "settings", {"per_minute": 1_000_000, "per_user_minute": 1_000_000}
            )
            _populate(world)
            yield world
            world.close()
            db.session.remove()
            db.engine.dispose()


@pytest.mark.timeout(300)
def test_six_hours_without_google(fleet: World) -> None:
    governed = fleet.rt.calendars
    assert isinstance(governed, GovernedCalendars)
    working = governed.source
    _use(fleet, working, fleet.rt.oauth)
    assert len(_sync_due(fleet)) == LINKS
    _meet(fleet)

    tomorrow = MONDAY + timedelta(days=1)
    fleet.at(tomorrow - 30 * MINUTE)
    online = fleet.rt.oauth
    nowhere = f"http://127.0.0.1:{free_port()}"
    away = GoogleCalendars(nowhere, timeout=1)
    _use(fleet, away, GoogleOAuth(Metadata(nowhere, timeout=1), scopes=()))
    while fleet.now < tomorrow + 5.5 * HOUR:
        assert _sync_due(fleet) == set()
        _switch(fleet)
        assert _ringing(fleet) == ([PIET] * LINKS if _on(fleet.now, tomorrow) else [])
        fleet.later(STEP)
    assert _states(fleet) == {"linked"}

    fleet.google.clear_log()
    sleeper = Sleeper(fleet)
    governor = Governor(None, Quota(QUOTA), sleep=sleeper, clock=fleet.unix)
    _use(fleet, GovernedCalendars(working, governor), online)
    synced: set[UUID] = set()
    began = fleet.now
    while len(synced) < LINKS:
        synced |= _sync_due(fleet)
        fleet.later(timedelta(seconds=5))
        assert fleet.now - began < 30 * MINUTE, f"only {len(synced)} caught up"
    asked = int(fleet.google.counters()["endpoints"]["events.list"])
    assert asked / ((fleet.now - began) / MINUTE) <= ALONE, "the catch-up stays under the quota"
    assert asked <= LINKS * 3
    _switch(fleet)
    assert _ringing(fleet) == ([PIET] * LINKS if _on(fleet.now, tomorrow) else [])
    away.close()


class Sleeper:
    """Sleeping threads let the world's time pass, side by side."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()

    def __call__(self, seconds: float) -> None:
        # At least an instant: less than a microsecond is nothing to this clock, and waiting for it
        # would never end.
        until = self._world.now + max(timedelta(seconds=seconds), timedelta(microseconds=1))
        with self._lock:
            self._world.now = max(self._world.now, until)


def _on(now: datetime, first: datetime) -> bool:
    """Everybody has an event of one hour every two hours from tomorrow on."""
    return now >= first and int((now - first) / HOUR) % 2 == 0


def _use(world: World, source: CalendarSource, oauth: OAuthPort) -> None:
    world.rt = replace(world.rt, calendars=source, oauth=oauth)


def _sync_due(world: World) -> set[UUID]:
    """Fetch whatever is due by now; answers what succeeded."""
    synced: set[UUID] = set()
    while due := syncing.due_calendars(world.rt):
        synced |= syncing.sync_due(world.rt, due).synced
    return synced


def _switch(world: World) -> None:
    while batches := switching.due_batches(world.rt, timedelta(0)):
        for batch in batches:
            switching.switch_batch(world.rt, batch.pbx, batch.link_ids, batch.due_at)


def _meet(world: World) -> None:
    """Have every line read for the first time: a hundred of a batch, the others a moment later."""
    unread = sa.select(sa.func.count()).where(Forwarding.observed.is_(None))
    for _ in range(LINKS // 100):
        _switch(world)
        world.later(timedelta(seconds=1))
    with world.rt.store.begin() as session:
        assert session.scalar(unread) == 0


def _ringing(world: World) -> list[str]:
    found = []
    for number in range(LINKS):
        held = world.exchange.read(Line(f"d{number}.example", "200"))
        found += [destination.value for destination in held.destinations]
    return found


def _states(world: World) -> set[str]:
    with world.rt.store.begin() as session:
        return set(session.scalars(sa.select(Link.state).distinct()))


def _populate(world: World) -> None:
    people = world.google.bulk(LINKS, events=6)
    keyring = world.rt.store.keyring
    with world.rt.store.begin() as session:
        grants = [
            Grant(
                client_id=world.google.client_id,
                subject=person["sub"],
                email=person["account"],
                created_at=world.now,
            )
            for person in people
        ]
        session.add_all(grants)
        session.flush()
        calendars = []
        for grant, person in zip(grants, people, strict=True):
            grant_tokens.put_refresh_token(keyring, grant, person["refresh_token"])
            calendars.append(
                Calendar(
                    grant_id=grant.id,
                    google_id=person["calendar"],
                    next_sync_at=world.now,
                    push_state="open",
                )
            )
        session.add_all(calendars)
        session.flush()
        for number, calendar in enumerate(calendars):
            line = {
                "tenant_id": "bel" if number % 2 else "ander",
                "pbx": "main",
                "domain": f"d{number}.example",
                "extension": "200",
            }
            link = Link(
                account_id="jan",
                state="linked",
                grant_id=calendar.grant_id,
                calendar_id=calendar.id,
                created_at=world.now,
                **line,
            )
            session.add(link)
            session.flush()
            session.add(Forwarding(link_id=link.id, due_at=world.now, **line))
