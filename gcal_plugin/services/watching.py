"""Push channels: opened, renewed with overlap, and closed.

A channel's row is stored before Google is asked, because its first message may come before the
answer.
"""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..ports import AccessToken, CalendarError, ChannelInfo, PushNotSupported
from ..store import queries_calendar, queries_channels
from ..store.tables import Calendar, Channel
from . import grants
from .channel_tokens import digest, new_token
from .hearing import handle_push
from .runtime import Runtime
from .unwatching import close_channel, close_channels, close_unused_channels

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

_RENEW_FROM, _RENEW_TO = 0.8, 0.9
"""The part of a channel's life after which its successor is opened."""
_RETRY_FROM, _RETRY_TO = 600.0, 3600.0
_OPENING_PATIENCE = timedelta(minutes=5)
_HEARING_PATIENCE = timedelta(minutes=5)
"""Google's first message comes with its answer; one that has not come by then got lost."""
PORTION = 5_000
"""Calendars that go back to polling in one transaction."""


# -- opening -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Opening:
    channel_id: str
    token: str
    calendar_id: UUID
    google_id: str
    grant_id: UUID
    tenant_id: str
    address: str


def hook_address(rt: Runtime) -> str | None:
    """Where Google can post to us; None where it cannot, so that calendars are polled."""
    if not rt.settings.push_possible:
        return None
    return f"{rt.settings.public_url}{rt.url_prefix}{HOOK_PATH}"


def open_channel(rt: Runtime, calendar_id: UUID) -> bool:
    """Have Google notify us of a calendar's changes; False where that is not possible now.

    An older channel of the calendar goes on until this one works, and is stopped then.
    """
    address = hook_address(rt)
    if address is None:
        return False
    opening = _prepare(rt, calendar_id, address)
    if opening is None:
        return False
    try:
        info = grants.with_token(rt, opening.grant_id, lambda access: _watch(rt, opening, access))
    except CalendarError as error:
        _failed(rt, opening, error)
        return False
    older = _opened(rt, opening, info)
    for channel_id in older:
        close_channel(rt, channel_id)
    return True


def _prepare(rt: Runtime, calendar_id: UUID, address: str) -> _Opening | None:
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
                address=address,
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
            address,
        )


def _watch(rt: Runtime, opening: _Opening, access: AccessToken) -> ChannelInfo:
    return rt.calendars.watch(
        replace(access, tenant_id=opening.tenant_id),
        opening.google_id,
        channel_id=opening.channel_id,
        token=opening.token,
        address=opening.address,
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
                # Until something is heard on this one, one that was silent is still polled.
                push_state=sa.case((_CALENDARS.c.push_state == "silent", "silent"), else_="open"),
                next_sync_at=sa.case(
                    (
                        _CALENDARS.c.push_state.in_(queries_channels.COUNTED_ON),
                        _CALENDARS.c.next_sync_at,
                    ),
                    else_=now,
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
        address=opening.address,
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
        queries_channels.try_later(session, opening.calendar_id, now + timedelta(seconds=wait))
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
    address = hook_address(rt)
    _portions(rt, lambda session, now: queries_channels.poll_again(session, now, address, PORTION))
    _portions(
        rt,
        lambda session, now: queries_channels.poll_silent(
            session, now, now - _HEARING_PATIENCE, PORTION
        ),
    )
    if address is None:
        _portions(rt, lambda session, now: queries_channels.stop_all(session, now, PORTION))
    with rt.store.begin() as session:
        now = rt.store.now(session)
        stopping = queries_channels.due_to_stop(session, now, limit)
        wanted = (
            [] if address is None else queries_channels.due_to_open(session, now, address, limit)
        )
    for channel_id in stopping:
        close_channel(rt, channel_id)
    for calendar_id in wanted:
        open_channel(rt, calendar_id)
    return len(stopping) + len(wanted)


def _portions(rt: Runtime, change: Callable[[Session, datetime], int]) -> None:
    """Go on, a transaction each, until a portion was not full."""
    while True:
        with rt.store.begin() as session:
            if change(session, rt.store.now(session)) < PORTION:
                return
