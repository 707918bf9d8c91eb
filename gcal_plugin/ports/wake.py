"""The queue: wake-ups only. Losing all of them loses nothing; the clock re-derives the work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Wake(Protocol):
    """Asks a worker to look. Each call returns False, never raises, where the queue is away."""

    def sync(self, calendar_ids: Sequence[UUID], *, urgent: bool = False) -> bool:
        """Fetch these calendars' changes; `urgent` where a person waits at a page."""
        ...

    def switch(self, pbx: str, link_ids: Sequence[UUID], *, due_at: datetime | None = None) -> bool:
        """Bring these links' forwards to what should be true now, or at `due_at` when it comes."""
        ...

    def care(self, task: str, **ids: str) -> bool:
        """Upkeep by name: renew channels, reconcile a PBX, purge, check a grant."""
        ...

    def mail(self) -> bool:
        """Send what is in the outbox."""
        ...
