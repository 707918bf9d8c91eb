"""What every backend that speaks to a manager does the same way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from threading import Lock
from typing import ClassVar

from ...domain.destination import Destination
from ...ports.telephony import (
    Applied,
    BulkResult,
    Capabilities,
    Health,
    Line,
    LineState,
    TelephonyError,
)
from ..parallel import one_by_one
from .ami import Manager


class ManagerTelephony(ABC):
    """One exchange behind one manager connection; safe to use from several threads."""

    probe: ClassVar[tuple[str, str]]
    """A family and key that `check` reads, there or not: what the account may is seen by it."""

    def __init__(self, name: str, manager: Manager, capabilities: Capabilities) -> None:
        self.name = name
        self.capabilities = capabilities
        self._manager = manager
        self._writing = Lock()

    @abstractmethod
    def replace(
        self,
        line: Line,
        destinations: frozenset[Destination],
        *,
        revision: int,
        expires_at: datetime | None = None,
    ) -> Applied: ...

    def replace_many(self, states: Sequence[LineState]) -> list[BulkResult]:
        # The manager answers one action after the other, whoever asks.
        return one_by_one(self, states, workers=1)

    def check(self) -> Health:
        try:
            self._manager.act("Ping")
            self._manager.get(*self.probe)
        except TelephonyError as error:
            return Health(False, str(error))
        return Health(True, self._manager.banner)

    def close(self) -> None:
        """Hang up; the next action connects again."""
        self._manager.close()
