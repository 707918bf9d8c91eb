"""The Kamailio adapter keeps every promise, against a real Kamailio with the shipped include."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import httpx
import pytest

from gcal_plugin.ports import Applied, Temporary
from gcal_plugin.telephony.kamailio import KamailioTelephony
from gcal_plugin.telephony.segments import encode, of_set
from tests.contracts.telephony import LINE, TelephonyContract, WireContract, eventually, numbers
from tests.servers import PostgresServer
from tests.servers.kamailio import INCLUDE, Kamailio


class KamailioServer(Kamailio):
    """Kamailio as the contract suite wants its servers."""

    adapters: list[KamailioTelephony]

    def connect(
        self,
        port: int,
        *,
        timeout: float = 5.0,
        credentials: Literal["right", "wrong"] = "right",
    ) -> KamailioTelephony:
        adapter = KamailioTelephony(
            "kamailio",
            f"http://127.0.0.1:{port}",
            self.token if credentials == "right" else "a-token-that-somebody-made-up",
            timeout=timeout,
        )
        self.adapters.append(adapter)
        return adapter


@pytest.fixture(scope="module")
def kamailio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KamailioServer]:
    server = KamailioServer(tmp_path_factory.mktemp("kamailio"))
    server.start()
    yield server
    server.stop()


class TestKamailio(WireContract, TelephonyContract):
    @pytest.fixture
    def server(self, kamailio: KamailioServer) -> Iterator[KamailioServer]:
        kamailio.adapters = []
        yield kamailio
        for adapter in kamailio.adapters:
            adapter.close()
        kamailio.forget()


def test_a_database_that_is_locked_is_waited_for_and_then_told(tmp_path: Path):
    """The write is kept or refused, never answered with a yes that a restart forgets."""
    server = KamailioServer(tmp_path)
    server.adapters = []
    server.start()
    try:
        adapter = server.connect(server.port)
        adapter.replace(LINE, numbers(1), revision=1)
        with contextlib.closing(
            sqlite3.connect(tmp_path / "gcal.sqlite", isolation_level=None)
        ) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Temporary, match="did not keep it"):
                adapter.replace(LINE, numbers(2), revision=2)
            assert adapter.read(LINE) == Applied(numbers(1), 1)
            other.execute("ROLLBACK")
        assert adapter.replace(LINE, numbers(2), revision=2) == Applied(numbers(2), 2)
        server.restart()
        assert eventually(adapter) == Applied(numbers(2), 2)
        adapter.close()
    finally:
        server.stop()


@pytest.mark.parametrize(
    "body",
    [
        {"method": "core.info", "params": []},
        {"method": "htable.flush", "params": ["gcal"]},
        {"method": "gcal.set", "params": ["acme.example/200", "1;1"]},
        {"method": "gcal.set", "params": ["acme.example/200", "1;000000009;0000;'); drop table x"]},
        {"method": "gcal.set", "params": ["acme.example/200'--", "1;000000009;0000;"]},
        {"method": "gcal.set", "params": ["acme.example/$(env)", "1;000000009;0000;"]},
        {"method": "gcal.get", "params": []},
        {"method": "gcal.get"},
        {},
    ],
)
def test_the_exchange_itself_refuses_what_is_not_its_contract(
    kamailio: KamailioServer, body: dict[str, object]
):
    answer = httpx.post(
        f"http://127.0.0.1:{kamailio.port}/gcal",
        json={"jsonrpc": "2.0", "id": 1, **body},
        headers={"authorization": f"Bearer {kamailio.token}"},
    )
    assert "error" in answer.json()
    kamailio.adapters = []
    adapter = kamailio.connect(kamailio.port)
    assert adapter.read(LINE) == Applied(frozenset(), 0)
    adapter.close()


def test_postgres_keeps_it_as_well(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
):
    """The same include with db_postgres, through a kill."""
    name = postgres_server.create_database()
    with postgres_server.connect(name) as connection:
        connection.execute((INCLUDE / "schema.sql").read_bytes())
    folder = tmp_path_factory.mktemp("pg")
    address = "postgres://" + postgres_server.url(name).partition("://")[2]
    server = KamailioServer(folder, db=address, driver="db_postgres")
    server.adapters = []
    server.start()
    try:
        adapter = server.connect(server.port)
        adapter.replace(LINE, numbers(2), revision=7)
        server.restart()
        assert eventually(adapter) == Applied(numbers(2), 7)
        adapter.close()
    finally:
        server.stop()


def test_a_slot_that_is_not_ours_stops_no_other_line():
    """Somebody wrote into the table by hand."""
    ours = encode(of_set(numbers(1), 3), "national")
    slots = [
        {"name": "acme.example/200", "value": "sip:somebody@elsewhere"},
        {"name": "acme.example/201", "value": ours},
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        number = json.loads(request.content)["id"]
        return httpx.Response(200, json={"id": number, "result": [{"entry": 1, "slot": slots}]})

    exchange = KamailioTelephony(
        "k", "http://127.0.0.1:1", "t" * 16, transport=httpx.MockTransport(answer)
    )
    odd, plain = exchange.read_all()
    assert "not ours" in odd.odd
    assert (plain.odd, plain.destinations, plain.revision) == ("", numbers(1), 3)
