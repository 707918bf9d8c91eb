"""Closing push channels: their successor works, the calendar is let go, or the grant is over."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import cast
from uuid import UUID

import sqlalchemy as sa

from ..ports import CalendarError, GrantRevoked
from ..store import queries_calendar, queries_channel, queries_channels
from ..store.tables import Calendar, Channel
from . import grants
from .channel_tokens import calendar_of, digest
from .runtime import Runtime

log = logging.getLogger(__name__)

_CHANNELS = cast(sa.Table, Channel.__table__)
_CALENDARS = cast(sa.Table, Calendar.__table__)
_AGAIN = timedelta(minutes=10)


def close_channel(rt: Runtime, channel_id: str) -> bool:
    """Stop one channel at Google; where that fails it is tried again until it would end anyway."""
    with rt.store.begin() as session:
        found = queries_channel.to_stop(session, channel_id)
        if found is None:
            return True
        now = rt.store.now(session)
        session.execute(
            sa.update(_CHANNELS)
            .where(_CHANNELS.c.id == channel_id)
            .values(state="stopping", renew_at=now + _AGAIN)
        )
    over = found.resource_id is None or (found.expires_at is not None and found.expires_at <= now)
    if not over:
        try:
            resource = found.resource_id or ""
            grants.with_token(
                rt, found.grant_id, lambda access: rt.calendars.stop(access, channel_id, resource)
            )
        except GrantRevoked:
            log.info("channel %s ended with its grant", channel_id)
        except CalendarError as error:
            if not error.permanent:
                return False
    with rt.store.begin() as session:
        session.execute(sa.delete(_CHANNELS).where(_CHANNELS.c.id == channel_id))
    return True


def close_channels(rt: Runtime, calendar_id: UUID) -> None:
    """Stop all channels of a calendar (its last link let go)."""
    with rt.store.begin() as session:
        channel_ids = queries_channel.of_calendar(session, calendar_id)
        session.execute(
            sa.update(_CALENDARS)
            .where(
                _CALENDARS.c.id == calendar_id,
                _CALENDARS.c.push_state.in_(queries_channels.COUNTED_ON),
            )
            .values(push_state="none")
        )
    for channel_id in channel_ids:
        close_channel(rt, channel_id)


def close_unused_channels(rt: Runtime, grant_id: UUID) -> None:
    """Stop the channels of a grant's calendars that no link follows any more."""
    with rt.store.begin() as session:
        calendar_ids = queries_channels.unfollowed(session, grant_id)
    for calendar_id in calendar_ids:
        close_channels(rt, calendar_id)


def stop_stray(rt: Runtime, channel_id: str, token: str, resource_id: str) -> None:
    """Have a channel stopped that Google still knows and we do not (a restored database).

    Only where its token proves that it is ours; what it tells of is fetched once. The clock stops
    it at its next round: whoever posts to a hook is not kept waiting for Google.
    """
    calendar_id = calendar_of(rt.store.keyring, channel_id, token)
    if calendar_id is None or not resource_id:
        return
    with rt.store.begin() as session:
        if session.get(Calendar, calendar_id) is None:
            log.warning("channel %s is of a calendar that is not stored any more", channel_id)
            return
        now = rt.store.now(session)
        noted = queries_channel.note_stray(
            session, channel_id, calendar_id, digest(token), resource_id[:255], now
        )
        first = noted and queries_calendar.announce(session, calendar_id, now)
    if first:
        rt.wake.sync([calendar_id])
