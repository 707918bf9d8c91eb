"""The webhook adapter keeps every promise, against the demo exchange and the reference receiver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gcal_plugin.ports import Line, Telephony, UnknownExtension
from tests.contracts.telephony import (
    UNKNOWN,
    RefusingContract,
    TelephonyContract,
    WireContract,
    numbers,
)
from tests.telephony.servers import DemoPbx, WebhookServer, reference_receiver


class TestAgainstTheDemoExchange(WireContract, RefusingContract, TelephonyContract):
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[DemoPbx]:
        server = DemoPbx(tmp_path)
        yield server
        server.stop()


class TestAgainstTheReferenceReceiver(WireContract, TelephonyContract):
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[WebhookServer]:
        server = reference_receiver(tmp_path)
        yield server
        server.stop()

    def test_an_unknown_extension_is_told(self, telephony: Telephony):
        with pytest.raises(UnknownExtension):
            telephony.replace(Line(*UNKNOWN), numbers(1), revision=1)
