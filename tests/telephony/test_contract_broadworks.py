"""The BroadWorks backend keeps the promises, against a stand-in after its documentation."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import httpx
import pytest

from gcal_plugin.ports import ForeignForward, Temporary, UnknownExtension
from gcal_plugin.telephony.broadworks import BroadWorksTelephony
from tests.contracts.telephony import (
    LINE,
    LINES,
    UNKNOWN,
    TelephonyContract,
    WireContract,
    numbers,
)
from tests.fakes.broadworks import CREDENTIALS
from tests.servers import Child, free_port

ROOT = Path(__file__).parents[2]


class BroadWorks:
    """The stand-in as the contract suite wants its servers."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.data = folder / "users.json"
        users: dict[str, dict[str, str]] = {
            f"{ext}@{domain}": {} for domain, exts in LINES.items() for ext in exts
        }
        self.data.write_text(json.dumps(users))
        self._adapters: list[BroadWorksTelephony] = []
        self._child = Child(
            [
                sys.executable,
                "-m",
                "tests.fakes.broadworks",
                "--port",
                str(self.port),
                "--data",
                self.data,
            ],
            log=folder / "broadworks.log",
            name="broadworks",
            cwd=ROOT,
        )
        self.start()

    def start(self) -> None:
        self._child.start()
        self._child.wait_for("^ready")

    def restart(self) -> None:
        self._child.kill()
        self.start()

    def stop(self) -> None:
        for adapter in self._adapters:
            adapter.close()
        self._child.stop()

    def connect(
        self,
        port: int,
        *,
        timeout: float = 5.0,
        credentials: Literal["right", "wrong"] = "right",
    ) -> BroadWorksTelephony:
        adapter = BroadWorksTelephony(
            "broadworks",
            f"http://127.0.0.1:{port}/com.broadsoft.xsi-actions",
            CREDENTIALS[0],
            CREDENTIALS[1] if credentials == "right" else "made-up",
            timeout=timeout,
        )
        self._adapters.append(adapter)
        return adapter


class TestBroadWorks(WireContract, TelephonyContract):
    refuses_older = False
    keeps_revision = False
    lists_all = False

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[BroadWorks]:
        server = BroadWorks(tmp_path)
        yield server
        server.stop()

    def test_one_is_a_forward_and_several_ring_beside_the_own_phone(self, server: BroadWorks):
        adapter = server.connect(server.port)
        assert adapter.capabilities.multi_keeps_own_phone
        adapter.replace(LINE, numbers(1), revision=1)
        services = json.loads(server.data.read_text())["200@acme.example"]
        assert "<active>true</active>" in services["CallForwardingAlways"]
        assert "<active>false</active>" in services["SimultaneousRingPersonal"]
        adapter.replace(LINE, numbers(2), revision=2)
        services = json.loads(server.data.read_text())["200@acme.example"]
        assert 'forwardToPhoneNumber xsi:nil="true"' in services["CallForwardingAlways"]
        assert services["SimultaneousRingPersonal"].count("<address>") == 2

    def test_an_unknown_user_is_told(self, server: BroadWorks):
        with pytest.raises(UnknownExtension):
            server.connect(server.port).read(UNKNOWN)


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><CallForwardingAlways>&a;</CallForwardingAlways>',
        "<html>a proxy's page",
        "",
    ],
)
def test_an_answer_that_is_no_plain_xml_is_temporary(body: str):
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=body))
    exchange = BroadWorksTelephony("bw", "https://bw.example", "u", "p", transport=transport)
    with pytest.raises(Temporary):
        exchange.read(LINE)
    exchange.close()


def test_a_forward_that_somebody_typed_by_hand_is_told_and_not_guessed():
    xsi = "http://schema.broadsoft.com/xsi"
    body = (
        f'<CallForwardingAlways xmlns="{xsi}"><active>true</active>'
        "<forwardToPhoneNumber>sip:somebody@elsewhere</forwardToPhoneNumber></CallForwardingAlways>"
    )
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=body))
    exchange = BroadWorksTelephony("bw", "https://bw.example", "u", "p", transport=transport)
    with pytest.raises(ForeignForward, match="not ours"):
        exchange.read(LINE)
    exchange.close()
