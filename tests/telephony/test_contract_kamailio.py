"""The Kamailio adapter keeps every promise, against a real Kamailio with the shipped include."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest

from gcal_plugin.telephony.kamailio import KamailioTelephony
from tests.contracts.telephony import TelephonyContract, WireContract
from tests.servers.kamailio import Kamailio


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
