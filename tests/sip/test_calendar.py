"""From an event in a calendar to the phones that ring: Google's side, ours, and real SIP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from example_app.fake_google.process import LocalGoogle
from gcal_plugin.telephony.kamailio import KamailioTelephony
from gcal_plugin.telephony.kamailio.adapter import capabilities_of
from tests.servers.databases import Databases
from tests.servers.kamailio import Kamailio
from tests.sip.phones import Phones
from tests.support.runtime import make_app, make_schema
from tests.support.world import DOMAIN, Linked, World

pytestmark = pytest.mark.sip

JAN, PIET = "0612345678", "0687654321"


class SipWorld(World):
    """A world whose exchange is a real Kamailio: that one goes by the machine's own clock."""

    exchange: KamailioTelephony  # type: ignore[assignment]

    def catch_up(self, *links: Linked) -> None:
        """Sync and switch."""
        self.sync(*links)
        for link in links:
            self.rings(link)


@pytest.fixture(params=["plan", "sets"])
def world(
    request: pytest.FixtureRequest, kamailio: Kamailio, databases: Databases
) -> Iterator[SipWorld]:
    with ExitStack() as stack:
        google = stack.enter_context(LocalGoogle())
        url = stack.enter_context(databases.fresh("sqlite", key="schema", prepare=make_schema))
        app, db = make_app(url)
        stack.enter_context(app.app_context())
        # A little behind, since each sync lets two seconds pass in this world.
        world = SipWorld(db, google, now=datetime.now(UTC) - timedelta(seconds=20))
        world.exchange = KamailioTelephony(
            "main",
            f"http://127.0.0.1:{kamailio.port}",
            kamailio.token,
            capabilities=replace(capabilities_of(), plan=request.param == "plan"),
        )
        world.configure()
        yield world
        world.close()
        world.exchange.close()
        db.session.remove()
        db.engine.dispose()


def test_an_event_rings_its_numbers_and_not_the_own_phone_until_it_ends(
    world: SipWorld, kamailio: Kamailio, phones: Phones
):
    link = world.link()
    edge = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    later = edge + timedelta(minutes=30)
    world.event(JAN, edge - timedelta(hours=2), edge)
    world.event(PIET, edge - timedelta(hours=2), later)
    world.catch_up(link)
    call = phones.call(kamailio.sip, link.extension, DOMAIN)
    assert (call.rang, call.own) == ({JAN, PIET}, False)
    assert call.diversions

    # The very next call after an edge is right: by the plan itself, which the exchange is asked
    # about at that second, or else by the push of that instant.
    for instant, wanted in ((edge, {PIET}), (later, set())):
        if not world.exchange.capabilities.plan:
            world.at(instant)
            world.rings(link)
        second = int(instant.timestamp())
        call = phones.call(kamailio.sip, link.extension, DOMAIN, at=second)
        assert (call.rang, call.own) == (wanted, not wanted)


def test_an_event_that_is_withdrawn_gives_the_phone_back(
    world: SipWorld, kamailio: Kamailio, phones: Phones
):
    link = world.link()
    now = datetime.now(UTC)
    event = world.event(JAN, now - timedelta(minutes=5), now + timedelta(hours=1))
    world.catch_up(link)
    assert phones.call(kamailio.sip, link.extension, DOMAIN).rang == {JAN}
    world.google.control("DELETE", f"calendars/jan@gmail.example/events/{event}")
    world.catch_up(link)
    call = phones.call(kamailio.sip, link.extension, DOMAIN)
    assert (call.rang, call.own) == (set(), True)
