"""Push channels as a whole: calendars that need one, channels that are over or count no more."""

from __future__ import annotations

from datetime import datetime
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .tables import Calendar, Channel, Grant, Link

_CHANNELS = cast(sa.Table, Channel.__table__)
_CALENDARS = cast(sa.Table, Calendar.__table__)
_LIVE = ("open", "opening")
_STATES = (*_LIVE, "stopping", "closed")
COUNTED_ON = ("open", "silent")
"""A calendar's `push_state` while a channel of it is open, whether or not anything is heard."""


def unfollowed(session: Session, grant_id: UUID) -> list[UUID]:
    """Calendars of a grant that have channels and no link."""
    rows = session.scalars(
        sa.select(_CALENDARS.c.id)
        .where(
            _CALENDARS.c.grant_id == grant_id,
            sa.exists().where(_CHANNELS.c.calendar_id == _CALENDARS.c.id),
            ~_followed(),
        )
        .order_by(_CALENDARS.c.id)
    )
    return list(rows)


def _followed() -> sa.ColumnElement[bool]:
    return (
        sa.exists()
        .where(Link.calendar_id == _CALENDARS.c.id, Link.ended_at.is_(None))
        .correlate(_CALENDARS)
    )


def _comes_here(address: str | None) -> sa.ColumnElement[bool]:
    """Whether a channel's messages still find us; None: nothing can be posted to us (any more).

    Where one goes that was opened by an older version is not known: it counts until it is renewed.
    """
    if address is None:
        return sa.false()
    return sa.or_(_CHANNELS.c.address.is_(None), _CHANNELS.c.address == address)


def poll_again(session: Session, now: datetime, address: str | None, limit: int) -> int:
    """Have calendars polled that count on push and have no channel that still lives.

    At most `limit` of them; answers how many. After a long stop it can be all that there are, so
    their ids never leave the database. `address` is where Google can post to us now.
    """
    lost = _CALENDARS.alias("lost")
    alive = (
        sa.exists()
        .where(
            _CHANNELS.c.calendar_id == lost.c.id,
            _CHANNELS.c.state == "open",
            _CHANNELS.c.expires_at > now,
            _comes_here(address),
        )
        .correlate(lost)
    )
    chosen = sa.select(lost.c.id).where(lost.c.push_state.in_(COUNTED_ON), ~alive).limit(limit)
    done: sa.CursorResult[object] = session.execute(  # type: ignore[assignment]
        sa.update(_CALENDARS)
        .where(_CALENDARS.c.id.in_(chosen))
        .values(push_state="none", next_sync_at=now, watch_at=None)
    )
    return done.rowcount


def poll_silent(session: Session, now: datetime, since: datetime, limit: int) -> int:
    """Have calendars polled that count on a channel on which nothing was heard since it was opened,
    before `since`. The channel stays: its first message ends the polling.

    At most `limit` of them; answers how many.
    """
    silent = sa.select(_CHANNELS.c.calendar_id).where(
        _CHANNELS.c.last_message_at.is_(None),
        _CHANNELS.c.created_at <= since,
        _CHANNELS.c.state == "open",
    )
    other = _CALENDARS.alias("other")
    chosen = (
        sa.select(other.c.id)
        .where(other.c.id.in_(silent), other.c.push_state == "open")
        .limit(limit)
    )
    done: sa.CursorResult[object] = session.execute(  # type: ignore[assignment]
        sa.update(_CALENDARS)
        .where(_CALENDARS.c.id.in_(chosen))
        .values(push_state="silent", next_sync_at=now)
    )
    return done.rowcount


def stop_all(session: Session, now: datetime, limit: int) -> int:
    """Have the channels stopped that are open although nothing can be posted to us any more.

    At most `limit` of them; answers how many.
    """
    chosen = sa.select(_CHANNELS.c.id).where(_CHANNELS.c.state == "open").limit(limit)
    done: sa.CursorResult[object] = session.execute(  # type: ignore[assignment]
        sa.update(_CHANNELS)
        .where(_CHANNELS.c.id.in_(chosen))
        .values(state="stopping", renew_at=now)
    )
    return done.rowcount


def give_up(session: Session, grant_id: UUID, now: datetime) -> None:
    """Count no more on the channels of a grant that is over: Google may end them without a word."""
    ours = sa.select(_CALENDARS.c.id).where(_CALENDARS.c.grant_id == grant_id)
    session.execute(
        sa.update(_CHANNELS)
        .where(_CHANNELS.c.calendar_id.in_(ours), _CHANNELS.c.state.in_(_LIVE))
        .values(state="stopping", renew_at=now)
    )
    session.execute(
        sa.update(_CALENDARS)
        .where(_CALENDARS.c.grant_id == grant_id, _CALENDARS.c.push_state.in_(COUNTED_ON))
        .values(push_state="none", watch_at=None)
    )


def due_to_stop(session: Session, now: datetime, limit: int) -> list[str]:
    """Channels to close: told to, over, left behind half open, or of a calendar without links."""
    followed = (
        sa.exists()
        .where(Link.calendar_id == _CHANNELS.c.calendar_id, Link.ended_at.is_(None))
        .correlate(_CHANNELS)
    )
    rows = session.scalars(
        sa.select(_CHANNELS.c.id)
        .where(
            _CHANNELS.c.state.in_(_STATES),  # all of them: the index begins with it
            _CHANNELS.c.renew_at <= now,
            sa.or_(
                _CHANNELS.c.state.in_(("stopping", "opening")),
                _CHANNELS.c.expires_at <= now,
                ~followed,
            ),
        )
        .order_by(_CHANNELS.c.renew_at)
        .limit(limit)
    )
    return list(rows)


def due_to_open(session: Session, now: datetime, address: str, limit: int) -> list[UUID]:
    """Calendars that should have a new channel: they have none, or theirs is to be renewed.

    One that posts to another address than `address` is as good as none.
    """
    # Named by the few channels that are due, so that no calendar is looked at for its channel.
    aged = sa.select(_CHANNELS.c.calendar_id).where(
        _CHANNELS.c.state == "open", _CHANNELS.c.renew_at <= now
    )
    without = sa.select(_CALENDARS.c.id).where(_CALENDARS.c.push_state == "none")
    young = (
        sa.exists()
        .where(
            _CHANNELS.c.calendar_id == _CALENDARS.c.id,
            _CHANNELS.c.state.in_(_LIVE),
            _CHANNELS.c.renew_at > now,
            _comes_here(address),
        )
        .correlate(_CALENDARS)
    )
    rows = session.scalars(
        sa.select(_CALENDARS.c.id)
        .join(Grant, Grant.id == _CALENDARS.c.grant_id)
        .where(
            Grant.state == "live",
            _CALENDARS.c.gone_at.is_(None),
            _CALENDARS.c.synced_at.is_not(None),
            sa.or_(_CALENDARS.c.watch_at.is_(None), _CALENDARS.c.watch_at <= now),
            _CALENDARS.c.id.in_(sa.union_all(aged, without)),
            _CALENDARS.c.push_state != "unsupported",
            ~young,
            _followed(),
        )
        .order_by(_CALENDARS.c.id)
        .limit(limit)
    )
    return list(rows)


def try_later(session: Session, calendar_id: UUID, at: datetime) -> None:
    """Do not ask for a channel of this calendar before `at`."""
    session.execute(sa.update(_CALENDARS).where(_CALENDARS.c.id == calendar_id).values(watch_at=at))
