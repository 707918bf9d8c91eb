"""Push channels: opened, renewed with overlap, closed, and what arrives on them.

A channel's row is stored before Google is asked, because its first message may come before the
answer.
"""

from __future__ import annotations

import hmac
import logging
import random
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import sqlalchemy as sa

from ..ports import AccessToken, CalendarError, ChannelInfo, PushNotSupported
from ..store import queries_calendar, queries_channel
from ..store.tables import Calendar, Channel
from . import grants
from .channel_tokens import digest, new_token
from .runtime import Runtime
from .unwatching import close_channel, close_channels, close_unused_channels, stop_stray

log = logging.getLogger(__name__)

_CHANNELS = cast(sa.Table, Channel.__table__)
_CALENDARS = cast(sa.Table, Calendar.__table__)

__all__ = [
    "close_channel",
    "close_channels",
    "close_unused_channels",
    "handle_push",
    "open_channel",
    "renew_due",
    "renewal",
]

HOOK_PATH = "/hooks/google"

ACCEPTED, REFUSED = 204, 404
"""The two answers of the hook: whatever is wrong with a message, the sender learns nothing."""

_RENEW_FROM, _RENEW_TO = 0.8, 0.9
"""The part of a channel's life after which its successor is opened."""
_RETRY_FROM, _RETRY_TO = 600.0, 3600.0
_OPENING_PATIENCE = timedelta(minutes=5)
PORTION = 5_000
"""Calendars that go back to polling in one transaction."""


# -- what arrives ------------------------------------------------------------------------------


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
    if found.state == "opening" and resource_id:
        # Should the answer to our request never come, this is what the channel is stopped by.
        with rt.store.begin() as session:
            queries_channel.identify(session, channel_id, resource_id[:255])
    # A fetch that begins after this look reads what this message tells of. So one that has yet to
    # begin will do, and of one that began since, the note is not there any more.
    if resource_state != "sync" and not found.dirty:
        with rt.store.begin() as session:
            first = queries_calendar.announce(session, found.calendar_id, found.now)
        if first:
            rt.wake.sync([found.calendar_id])
    return ACCEPTED


# -- opening -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Opening:
    channel_id: str
    token: str
    calendar_id: UUID
    google_id: str
    grant_id: UUID
    tenant_id: str


def open_channel(rt: Runtime, calendar_id: UUID) -> bool:
    """Have Google notify us of a calendar's changes; False where that is not possible now.

    An older channel of the calendar goes on until this one works, and is stopped then.
    """
    if not rt.settings.push_possible:
        return False
    opening = _prepare(rt, calendar_id)
    if opening is None:
        return False
    try:
        access = _access(rt, opening)
        info = rt.calendars.watch(
            access,
            opening.google_id,
            channel_id=opening.channel_id,
            token=opening.token,
            address=f"{rt.settings.public_url}{rt.url_prefix}{HOOK_PATH}",
        )
    except CalendarError as error:
        _failed(rt, opening, error)
        return False
    older = _opened(rt, opening, info)
    for channel_id in older:
        close_channel(rt, channel_id)
    return True


def _prepare(rt: Runtime, calendar_id: UUID) -> _Opening | None:
    """Store the row first: the `sync` message may overtake the answer."""
    channel_id = secrets.token_hex(16)
    token = new_token(rt.store.keyring, channel_id, calendar_id)
    with rt.store.begin() as session:
        now = rt.store.now(session)
        calendar = session.get(Calendar, calendar_id, populate_existing=True)
        followed = queries_calendar.followers(session, [calendar_id]).get(calendar_id)
        if calendar is None or followed is None or calendar.push_state == "unsupported":
            return None
        session.add(
            Channel(
                id=channel_id,
                calendar_id=calendar_id,
                token_digest=digest(token),
                state="opening",
                created_at=now,
                renew_at=now + _OPENING_PATIENCE,
            )
        )
        return _Opening(
            channel_id,
            token,
            calendar_id,
            calendar.google_id,
            calendar.grant_id,
            followed.tenant_id,
        )


def _access(rt: Runtime, opening: _Opening) -> AccessToken:
    access = grants.access_token(rt, opening.grant_id)
    return AccessToken(
        access.value, access.expires_at, access.subject, access.client_id, opening.tenant_id
    )


def _opened(rt: Runtime, opening: _Opening, info: ChannelInfo) -> list[str]:
    """Note that the channel works; answers the older ones, which it makes superfluous."""
    with rt.store.begin() as session:
        now = rt.store.now(session)
        kept = session.execute(
            sa.update(_CHANNELS)
            .where(_CHANNELS.c.id == opening.channel_id, _CHANNELS.c.state == "opening")
            .values(
                state="open",
                resource_id=info.resource_id,
                expires_at=info.expires_at,
                renew_at=renewal(now, info.expires_at),
            )
            .returning(_CHANNELS.c.id)
        ).one_or_none()
        if kept is None:
            # Somebody let go of the calendar meanwhile: what Google opened must be closed again.
            session.add(_orphan(opening, info, now))
            return [opening.channel_id]
        older = list(
            session.scalars(
                sa.select(_CHANNELS.c.id).where(
                    _CHANNELS.c.calendar_id == opening.calendar_id,
                    _CHANNELS.c.id != opening.channel_id,
                    _CHANNELS.c.state.in_(("open", "opening")),
                )
            )
        )
        # A change between the last fetch and the channel's start was told to nobody: fetch once.
        session.execute(
            sa.update(_CALENDARS)
            .where(_CALENDARS.c.id == opening.calendar_id)
            .values(
                push_state="open",
                next_sync_at=sa.case(
                    (_CALENDARS.c.push_state == "open", _CALENDARS.c.next_sync_at), else_=now
                ),
            )
        )
    return older


def renewal(now: datetime, expires_at: datetime) -> datetime:
    """When a channel that begins now gets its successor: spread, and long before its end."""
    return now + (expires_at - now) * random.uniform(_RENEW_FROM, _RENEW_TO)  # noqa: S311


def _orphan(opening: _Opening, info: ChannelInfo, now: datetime) -> Channel:
    return Channel(
        id=opening.channel_id,
        calendar_id=opening.calendar_id,
        token_digest=digest(opening.token),
        resource_id=info.resource_id,
        state="stopping",
        created_at=now,
        expires_at=info.expires_at,
        renew_at=now,
    )


def _failed(rt: Runtime, opening: _Opening, error: CalendarError) -> None:
    """Forget the row that came to nothing; older channels of the calendar stay as they are.

    Without any answer Google may have opened the channel all the same: the row stays until its
    patience is over, so that a message on it can tell what to stop.
    """
    log.info("no push channel for calendar %s: %s", opening.calendar_id, error.reason)
    unsupported = isinstance(error, PushNotSupported)
    with rt.store.begin() as session:
        now = rt.store.now(session)
        if error.status is not None or error.permanent:
            session.execute(sa.delete(_CHANNELS).where(_CHANNELS.c.id == opening.channel_id))
        wait = max(
            error.retry_after or 0.0,
            random.uniform(_RETRY_FROM, _RETRY_TO),  # noqa: S311
        )
        queries_channel.try_later(session, opening.calendar_id, now + timedelta(seconds=wait))
        if unsupported:
            poll = now + timedelta(seconds=rt.settings.poll_seconds)
            session.execute(
                sa.update(_CALENDARS)
                .where(_CALENDARS.c.id == opening.calendar_id)
                .values(push_state="unsupported", next_sync_at=poll)
            )


# -- upkeep ------------------------------------------------------------------------------------


def renew_due(rt: Runtime, limit: int = 200) -> int:
    """Renew, open and close whatever is due; answers how many it looked at.

    The clock asks for it about once a minute. Doing it twice at once costs a request, no more.
    """
    while True:
        with rt.store.begin() as session:
            if queries_channel.poll_again(session, rt.store.now(session), PORTION) < PORTION:
                break
    with rt.store.begin() as session:
        now = rt.store.now(session)
        stopping = queries_channel.due_to_stop(session, now, limit)
        wanted = (
            queries_channel.due_to_open(session, now, limit) if rt.settings.push_possible else []
        )
    for channel_id in stopping:
        close_channel(rt, channel_id)
    for calendar_id in wanted:
        open_channel(rt, calendar_id)
    return len(stopping) + len(wanted)
