"""A real Kamailio with phones around it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gcal_plugin.telephony.kamailio import KamailioTelephony
from tests.servers.kamailio import Kamailio
from tests.sip.phones import Phones


@pytest.fixture(scope="module")
def phones() -> Iterator[Phones]:
    with Phones() as phones:
        yield phones


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, phones: Phones) -> Iterator[Kamailio]:
    server = Kamailio(
        tmp_path_factory.mktemp("kamailio"), gateway=phones.gateway, phones=phones.own
    ).start()
    yield server
    server.stop()


@pytest.fixture
def kamailio(running: Kamailio, phones: Phones) -> Iterator[Kamailio]:
    yield running
    phones.moods.clear()
    running.forget()


@pytest.fixture
def pbx(kamailio: Kamailio) -> Iterator[KamailioTelephony]:
    adapter = KamailioTelephony("kamailio", f"http://127.0.0.1:{kamailio.port}", kamailio.token)
    yield adapter
    adapter.close()
