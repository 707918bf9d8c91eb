"""What came of fetching calendars, for whoever asked for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class SyncReport:
    """What came of a round of fetches, by calendar."""

    synced: set[UUID] = field(default_factory=set)
    changed: set[UUID] = field(default_factory=set)
    failed: dict[UUID, str] = field(default_factory=dict)
    """Calendar -> the stable code of what went wrong."""
    postponed: set[UUID] = field(default_factory=set)
    """Held by another worker, or fetched less than a second ago: they come again by themselves."""
    requests: int = 0

    def add(self, other: SyncReport) -> None:
        """Take another batch's report in."""
        self.synced |= other.synced
        self.changed |= other.changed
        self.failed |= other.failed
        self.postponed |= other.postponed
        self.requests += other.requests
