"""An exchange that asks at each call: real Kamailio and http_client, a portal that misbehaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gcal_plugin.domain.destination import Destination
from gcal_plugin.domain.pull_formats import render
from tests.contracts.telephony import numbers
from tests.servers import free_port
from tests.servers.kamailio import Kamailio
from tests.sip.phones import Phones

pytestmark = pytest.mark.sip

TOKEN = "the-bearer-of-this-exchange"


class Portal(ThreadingHTTPServer):
    """The pull page alone: the same address, bearer and rendering, from a dictionary."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.rings: dict[str, frozenset[Destination]] = {}
        self.slow = 0.0
        self.body: str | None = None
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", port), Page)


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    server: Portal

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        time.sleep(self.server.slow)
        right = self.headers.get("authorization") == f"Bearer {TOKEN}"
        line = self.path.removeprefix("/pull/main/").partition("?")[0]
        body, kind = render("plain", sorted(self.server.rings.get(line, frozenset())))
        raw = (body if self.server.body is None else self.server.body).encode()
        self.send_response(200 if right else 404)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the exchange did not wait


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def asking(
    tmp_path_factory: pytest.TempPathFactory, phones: Phones, port: int
) -> Iterator[Kamailio]:
    server = Kamailio(
        tmp_path_factory.mktemp("asking"),
        gateway=phones.gateway,
        phones=phones.own,
        test=False,
        include="gcal-pull.cfg",
        hook="if (route(GCAL_ASK)) { t_relay(); exit; }",
        before=(
            f'#!substdefs "!GCAL_PULL_URL!http://127.0.0.1:{port}/pull/main!g"\n'
            f'#!substdefs "!GCAL_PULL_TOKEN!{TOKEN}!g"'
        ),
    ).start()
    yield server
    server.stop()


@pytest.fixture
def portal(port: int) -> Iterator[Portal]:
    portal = Portal(port)
    thread = threading.Thread(target=portal.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield portal
    portal.shutdown()
    thread.join()
    portal.server_close()


def test_the_very_next_call_rings_what_the_portal_says(
    asking: Kamailio, phones: Phones, portal: Portal
):
    assert phones.call(asking.sip).own
    portal.rings["acme.example/200"] = numbers(2)
    call = phones.call(asking.sip)
    assert call.rang == {"+31610000000", "+31610000001"}
    assert not call.own
    assert len(call.diversions) == 1
    portal.rings["acme.example/200"] = numbers(1, start=20_000_000)
    assert phones.call(asking.sip).rang == {"+31620000000"}
    assert phones.call(asking.sip, "200", "beta.example").own
    assert portal.asked[0] == "/pull/main/acme.example/200?format=plain"


def test_a_portal_that_is_away_costs_a_call_next_to_nothing(asking: Kamailio, phones: Phones):
    for _ in range(3):
        call = phones.call(asking.sip)
        assert (call.own, call.rang) == (True, set())
        assert call.seconds < 0.3


def test_a_portal_that_is_slow_costs_a_call_a_second(
    asking: Kamailio, phones: Phones, portal: Portal
):
    portal.rings["acme.example/200"] = numbers(1)
    portal.slow = 2.5
    call = phones.call(asking.sip)
    assert (call.own, call.rang) == (True, set())
    assert call.seconds < 1.3


@pytest.mark.parametrize(
    "body", ["<html>an error page</html>", "0612345678@evil.example\n", "06;tag=x\n", "*21*06#\n"]
)
def test_an_answer_that_is_no_number_never_reaches_a_call(
    asking: Kamailio, phones: Phones, portal: Portal, body: str
):
    portal.body = body
    call = phones.call(asking.sip)
    assert (call.own, call.rang) == (True, set())


def test_asking_is_quick(asking: Kamailio, phones: Phones, portal: Portal):
    portal.rings["acme.example/200"] = numbers(1)
    took = sorted(phones.call(asking.sip).seconds for _ in range(200))
    assert took[100] < 0.05
