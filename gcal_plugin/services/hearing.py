"""What arrives on push channels: checked at one look, noted once a burst."""

from __future__ import annotations

import hmac
from datetime import timedelta

from ..store import queries_calendar, queries_channel
from .channel_tokens import digest
from .runtime import Runtime
from .unwatching import stop_stray

NOTED_FOR = timedelta(days=1)
"""How long a channel that was heard of is known to work, without a write for each message."""
ACCEPTED, REFUSED = 204, 404
"""The two answers of the hook: whatever is wrong with a message, the sender learns nothing."""


def handle_push(
    rt: Runtime, *, channel_id: str, token: str, resource_state: str, resource_id: str = ""
) -> int:
    """What a notification's headers say -> the status to answer: 204, or the uniform refusal.

    One look, whatever is wrong with it; the first of a burst notes that its calendar changed and
    wakes a worker, the others find that noted already.
    """
    if not channel_id or len(channel_id) > 64:
        return REFUSED
    with rt.store.glance() as session:
        found = queries_channel.find(session, channel_id, rt.store.instant(session))
    expected = found.token_digest if found is not None else digest("no such channel")
    genuine = hmac.compare_digest(expected, digest(token))
    if found is None:
        stop_stray(rt, channel_id, token, resource_id)
        return REFUSED
    if not genuine or found.state in {"stopping", "closed"}:
        return REFUSED
    if found.expires_at is not None and found.expires_at <= found.now:
        return REFUSED
    if found.last_message_at is None or found.now - found.last_message_at >= NOTED_FOR:
        with rt.store.begin() as session:
            if found.state == "opening" and resource_id:
                # Should the answer to our request never come, this is what it is stopped by.
                queries_channel.identify(session, channel_id, resource_id[:255])
            queries_channel.hear(session, channel_id, found.calendar_id, found.now)
    # A fetch that begins after this look reads what this message tells of. So one that has yet to
    # begin will do, and of one that began since, the note is not there any more.
    if resource_state != "sync" and not found.dirty:
        with rt.store.begin() as session:
            first = queries_calendar.announce(session, found.calendar_id, found.now)
        if first:
            rt.wake.sync([found.calendar_id])
    return ACCEPTED
