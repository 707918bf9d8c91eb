"""The memory exchange keeps every promise of the port."""

from __future__ import annotations

import pytest

from gcal_plugin.ports import Telephony
from gcal_plugin.telephony.exchange import MemoryExchange
from gcal_plugin.telephony.memory import MemoryTelephony
from tests.contracts.telephony import LINES, REFUSED, RefusingContract, TelephonyContract


class TestMemory(TelephonyContract, RefusingContract):
    @pytest.fixture
    def telephony(self) -> Telephony:
        lines = {domain: frozenset(numbers) for domain, numbers in LINES.items()}
        return MemoryTelephony("memory", MemoryExchange(lines=lines, refused=frozenset({REFUSED})))
