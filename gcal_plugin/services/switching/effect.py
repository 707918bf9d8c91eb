"""What a link's own state makes of its calendar: follow it, finish, fall back, or let go.

Ends always run. Starts need everything in order: a live grant, a readable calendar, nobody who
paused or switched it off. What is stale is decided by the choice that the customer made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from ...domain.destination import Destination, Kind
from ...domain.link_state import LinkState
from ...store.tables import Link

log = structlog.get_logger(__name__)


class Mode(StrEnum):
    """How the windows of a link count."""

    FOLLOW = "follow"
    FINISH = "finish"
    """What runs may run to its end; nothing starts."""
    FALLBACK = "fallback"
    """All calls go to the link's fallback number."""
    CLEAR = "clear"
    """The extension gets its own route back at once."""


@dataclass(frozen=True, slots=True)
class Effect:
    """The mode, the stable code of its reason, and when it ends by itself."""

    mode: Mode
    reason: str = ""
    until: datetime | None = None


def forwarding_effect(
    link: Link,
    at: datetime,
    *,
    killed: bool = False,
    grant_live: bool = True,
    synced_at: datetime | None = None,
    calendar_gone: bool = False,
    stale_after: timedelta = timedelta(days=1),
) -> Effect:
    """Answer what counts for this link at `at`.

    `killed` is the tenant's kill switch; the link's own is read from the link.
    """
    state = LinkState(link.state)
    if link.ended_at is not None or state is LinkState.ENDED:
        return Effect(Mode.CLEAR, "ended")
    if link.ends_at is not None and at >= link.ends_at:
        return Effect(Mode.CLEAR, "ended")
    if killed or link.killed_at is not None:
        return Effect(Mode.CLEAR, "killed")
    if link.paused_at is not None and (link.paused_until is None or at < link.paused_until):
        return Effect(Mode.CLEAR, "paused", link.paused_until)
    if state is LinkState.CALENDAR_GONE or (state is LinkState.LINKED and calendar_gone):
        return _lost(link, "calendar_gone")
    if state is LinkState.RECONNECT or (state is LinkState.LINKED and not grant_live):
        return _lost(link, "no_access")
    if state is not LinkState.LINKED:
        return Effect(Mode.CLEAR, "not_linked")
    return _freshness(link, at, synced_at, stale_after)


def falls_back(link: Link) -> bool:
    """Whether the link has a fallback number that is one; a bad one counts as none.

    So does the extension itself: a call that is sent there comes back to where it started.
    """
    if not link.fallback_number:
        return False
    try:
        found = Destination.parse(link.fallback_number)
    except ValueError:
        log.error("fallback_unreadable", link_id=str(link.id))
        return False
    return (found.kind, found.value) != (Kind.EXTENSION, link.extension)


def _lost(link: Link, reason: str) -> Effect:
    if falls_back(link):
        return Effect(Mode.FALLBACK, reason, link.ends_at)
    if link.broken_reason == "unreadable":
        return Effect(Mode.FINISH, "unreadable", link.ends_at)
    return Effect(Mode.CLEAR, reason)


def _freshness(
    link: Link, at: datetime, synced_at: datetime | None, stale_after: timedelta
) -> Effect:
    """A schedule that was not refreshed for long goes on, stops starting, or falls back."""
    if synced_at is None or link.stale_choice == "keep":
        return Effect(Mode.FOLLOW, until=link.ends_at)
    turns_stale = synced_at + stale_after
    if at < turns_stale:
        ends = [instant for instant in (turns_stale, link.ends_at) if instant is not None]
        return Effect(Mode.FOLLOW, until=min(ends))
    if link.stale_choice == "fallback" and falls_back(link):
        return Effect(Mode.FALLBACK, "stale", link.ends_at)
    return Effect(Mode.FINISH, "stale", link.ends_at)
