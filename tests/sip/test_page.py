"""Kamailio asks the real page: gunicorn, two threaded workers, the stored plan, real INVITEs."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import psutil
import pytest

from gcal_plugin.store.crypto import new_key
from gcal_plugin.store.tables import WindowRow
from tests.servers import Child, free_port
from tests.servers.databases import Databases
from tests.servers.kamailio import Kamailio
from tests.servers.ports import wait_for_port
from tests.sip.phones import Phones
from tests.support.host import make_host
from tests.support.lines import MovedClock, World
from tests.support.runtime import make_schema
from tests.support.stage import RealClock
from tests.support.web_host import gunicorn

pytestmark = pytest.mark.sip

TOKEN = "the-bearer-of-this-exchange"
DOMAIN = "acme.example"
TIMED_OUT = 0.95
"""Seconds of a call from which on Kamailio may have given the page up."""
NOBODY = "redis://127.0.0.1:9/0"
"""No queue answers there: an exchange that asks does without."""


@dataclass
class Asking:
    """An exchange that asks the page, and the plan that the page answers from."""

    world: World
    link: UUID
    web: Child
    port: int
    kamailio: Kamailio
    phones: Phones

    def plan(self, *windows: tuple[str, float, float]) -> None:
        """Instead of what was there: (number, start, end), in seconds from now."""
        now = datetime.now(UTC)
        with self.world.rt.store.begin() as session:
            session.query(WindowRow).delete()
        for place, (value, start, end) in enumerate(windows):
            span = (now + timedelta(seconds=start), now + timedelta(seconds=end))
            self.world.window(self.link, value, *span, event_id=f"e{place}")

    def call(self) -> tuple[set[str], bool, float]:
        """Who rang at the gateway, whether the own phone did, and how long that took."""
        call = self.phones.call(self.kamailio.sip, "200", DOMAIN)
        return call.rang, call.own, call.seconds

    def rings(self) -> tuple[set[str], bool]:
        """Who rang, when the page answered in time: a busy machine may need another call."""
        for _ in range(5):
            rang, own, seconds = self.call()
            if seconds < TIMED_OUT:
                return rang, own
        raise AssertionError("the page never answered within a second")

    def ready(self) -> None:
        """Wait until a worker has started and answers."""
        wait_for_port(self.port)
        url = f"http://127.0.0.1:{self.port}/google-calendar/healthz"
        assert httpx.get(url, timeout=30).status_code == 200

    def signal(self, what: signal.Signals) -> None:
        """To the web server and all of its workers."""
        server = psutil.Process(self.web.pid)
        for process in (server, *server.children(recursive=True)):
            os.kill(process.pid, what)


def _web(asking_port: int, url: str, folder: Path) -> Child:
    values = {
        "database": url,
        "redis": NOBODY,
        "telephony": {"main": {"backend": "pull"}},
        "keys": [new_key()],
        "pull_tokens": {"main": TOKEN},
    }
    return gunicorn(asking_port, values, folder / "web.log")


@pytest.fixture(scope="module")
def asking(
    tmp_path_factory: pytest.TempPathFactory, phones: Phones, databases: Databases
) -> Iterator[Asking]:
    folder, port = tmp_path_factory.mktemp("page"), free_port()
    with ExitStack() as stack:
        url = stack.enter_context(databases.fresh("postgres", key="schema", prepare=make_schema))
        web = stack.enter_context(_web(port, url, folder))
        prefix = f"http://127.0.0.1:{port}/google-calendar/pull/main"
        kamailio = Kamailio(
            folder,
            gateway=phones.gateway,
            phones=phones.own,
            test=False,
            include="gcal-pull.cfg",
            hook="if (route(GCAL_ASK)) { t_relay(); exit; }",
            before=(
                f'#!substdefs "!GCAL_PULL_URL!{prefix}!g"\n#!substdefs "!GCAL_PULL_TOKEN!{TOKEN}!g"'
            ),
        ).start()
        stack.callback(kamailio.stop)
        host: dict[str, Any] = {
            "database": url,
            "redis": NOBODY,
            "telephony": {"main": {"backend": "pull"}},
            "keys": [new_key()],
        }
        app = make_host(host)
        with app.app_context():
            world = World(app.extensions["gcal"], app, cast("MovedClock", RealClock()))
            link = world.link("200", domain=DOMAIN)
            made = Asking(world, link, web, port, kamailio, phones)
            made.ready()
            yield made
            db = app.extensions["sqlalchemy"]
            db.session.remove()
            db.engine.dispose()


def test_an_event_rings_its_numbers_and_the_own_phone_before_and_after(asking: Asking) -> None:
    asking.plan()
    assert asking.rings() == (set(), True)
    asking.plan(("+31612345678", -60, 600), ("+31687654321", -60, 600), ("+31201234567", 300, 600))
    assert asking.rings() == ({"+31612345678", "+31687654321"}, False)
    asking.plan(("+31612345678", -60, -1), ("+31201234567", -60, 600))
    assert asking.rings() == ({"+31201234567"}, False)
    call = asking.phones.call(asking.kamailio.sip, "200", "beta.example")
    assert (call.rang, call.own) == (set(), True)


def test_a_hundred_plans_each_called_at_once_ring_what_they_say(asking: Asking) -> None:
    chance = random.Random(11)
    numbers = [f"+316{n}" for n in chance.sample(range(10_000_000, 59_999_999), 12)]
    for round_number in range(100):
        windows = [
            (value, start, start + chance.choice((50, 5000)))
            for value in chance.sample(numbers, chance.randrange(0, 6))
            for start in [chance.choice((-100, -20, 100))]
        ]
        asking.plan(*windows)
        wanted = {value for value, start, end in windows if start < 0 < end}
        assert (round_number, *asking.rings()) == (round_number, wanted, not wanted)


def test_the_very_next_call_after_the_edge_is_right(asking: Asking) -> None:
    asking.call()
    began = time.time()
    asking.plan(("+31612345678", 1.5, 3.0))
    planned = time.time()
    seen: list[tuple[float, float, bool]] = []
    while time.time() < began + 4.0:
        asked = time.time()
        rang, own, seconds = asking.call()
        if seconds >= TIMED_OUT:
            continue
        assert rang | {"+31612345678"} == {"+31612345678"}
        assert own is not bool(rang)
        seen.append((asked, time.time(), bool(rang)))
    # The plan's instants count from a moment between `began` and `planned`.
    inside = [rang for asked, done, rang in seen if asked > planned + 1.5 and done < began + 3.0]
    outside = [rang for asked, done, rang in seen if done < began + 1.5 or asked > planned + 3.0]
    assert len(inside) > 5
    assert len(outside) > 5
    assert all(inside)
    assert not any(outside)


def test_a_hundred_callers_at_once_are_all_answered_alike(asking: Asking) -> None:
    asking.plan(("+31612345678", -60, 600), ("+31687654321", -60, 600))
    whom = [("200", DOMAIN, None)] * 100
    calls = asking.phones.call_many(asking.kamailio.sip, whom, together=8)
    heard = [(call.rang, call.own) for call in calls if call.seconds < TIMED_OUT]
    assert len(heard) > 50
    assert all(one == ({"+31612345678", "+31687654321"}, False) for one in heard)


def test_a_page_that_hangs_costs_a_second_one_that_is_gone_next_to_nothing(
    asking: Asking,
) -> None:
    asking.plan(("+31612345678", -60, 600))
    assert asking.rings() == ({"+31612345678"}, False)
    asking.signal(signal.SIGSTOP)
    try:
        rang, own, seconds = asking.call()
        assert (rang, own) == (set(), True)
        assert seconds < 1.3
    finally:
        asking.signal(signal.SIGCONT)
    assert asking.rings() == ({"+31612345678"}, False)
    asking.signal(signal.SIGKILL)
    asking.web.kill()
    for _ in range(2):
        rang, own, seconds = asking.call()
        assert (rang, own) == (set(), True)
        assert seconds < 0.3
    asking.web.start()
    asking.ready()
    assert asking.rings() == ({"+31612345678"}, False)
