"""An exchange that asks at each call waits for nothing but our own database."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from gcal_plugin.web.limits import MOST_ADDRESSES, Guesses
from tests.servers.databases import Databases
from tests.support.portal_app import JAN, PREFIX, Person, portal

TOKEN = "right-token"
PULL = f"{PREFIX}/pull/main/bakkerij-jansen.example/200"


class Silence:
    """Accepts connections and never says a word, as a server that hangs."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self.port: int = self._socket.getsockname()[1]
        self._held: list[socket.socket] = []

    @property
    def visitors(self) -> int:
        """How many connections were made so far."""
        while True:
            try:
                self._held.append(self._socket.accept()[0])
            except TimeoutError:
                return len(self._held)

    def close(self) -> None:
        for one in (*self._held, self._socket):
            one.close()


@pytest.fixture
def silence() -> Iterator[Silence]:
    with closing(Silence()) as made:
        yield made


def test_a_pull_touches_neither_redis_nor_google(databases: Databases, silence: Silence) -> None:
    hung = f"127.0.0.1:{silence.port}"
    settings: dict[str, Any] = {
        "GCAL_PULL_TOKENS": {"main": TOKEN},
        "GCAL_REDIS_URL": f"redis://{hung}/0",
        "GCAL_GOOGLE_METADATA_URL": f"http://{hung}/.well-known/openid-configuration",
        "GCAL_GOOGLE_API_ROOT": f"http://{hung}",
    }
    with portal(databases, **settings) as app:
        client = app.test_client()
        allowed = {"Authorization": f"Bearer {TOKEN}"}
        client.get(PULL, headers=allowed)
        began = time.monotonic()
        codes = [client.get(PULL, headers=allowed).status_code for _ in range(40)]
        codes += [client.get(PULL).status_code for _ in range(40)]
        took = time.monotonic() - began
        assert codes == [200] * 40 + [404] * 40
        assert silence.visitors == 0
        assert took < 4.0, "80 pulls waited for something"
        # The same silence does reach a page, which goes on without it after a moment.
        began = time.monotonic()
        page = Person(app, JAN).get(f"{PREFIX}/")
        assert page.status_code == 200
        assert silence.visitors > 0
        assert time.monotonic() - began < 4.0
        # A limiter that changed over to memory now and then looks whether Redis is back: not here.
        before = silence.visitors
        time.sleep(1.2)
        assert client.get(PULL, headers=allowed).status_code == 200
        assert silence.visitors == before


def test_wrong_tokens_are_counted_for_a_minute_and_an_address() -> None:
    now = [30.0]
    guesses = Guesses(2, clock=lambda: now[0])
    for _ in range(2):
        assert not guesses.exhausted("a")
        guesses.note("a")
    assert guesses.exhausted("a")
    assert not guesses.exhausted("b")
    now[0] = 61.0
    assert not guesses.exhausted("a")
    guesses.note("a")
    assert not guesses.exhausted("a")


def test_a_flood_from_many_addresses_takes_no_more_memory() -> None:
    guesses = Guesses(1, clock=lambda: 0.0)
    for number in range(MOST_ADDRESSES * 3):
        guesses.note(str(number))
    assert len(guesses._counts) <= MOST_ADDRESSES + 1
