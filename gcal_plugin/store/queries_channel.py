"""Push channels: found by id, due for renewal, due to be stopped, left without a follower."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from .tables import Calendar, Channel, Grant, Link
from .types import Instant

_CHANNELS = cast(sa.Table, Channel.__table__)
_CALENDARS = cast(sa.Table, Calendar.__table__)
_LIVE = ("open", "opening")
_STATES = (*_LIVE, "stopping", "closed")


@dataclass(frozen=True, slots=True)
class Found:
    """A channel as a notification needs it."""

    calendar_id: UUID
    token_digest: str
    state: str
    expires_at: datetime | None
    dirty: bool
    """Whether its calendar is known to have changed already."""
    now: datetime
    """The instant at which this was looked up."""


@dataclass(frozen=True, slots=True)
class ToStop:
    """A channel as its closing needs it."""

    resource_id: str | None
    expires_at: datetime | None
    grant_id: UUID


_FIND: sa.Select[Any] = (
    sa.select(
        _CHANNELS.c.calendar_id,
        _CHANNELS.c.token_digest,
        _CHANNELS.c.state,
        _CHANNELS.c.expires_at,
        _CALENDARS.c.dirty,
        sa.func.statement_timestamp(type_=Instant()).label("now"),
    )
    .join(_CALENDARS, _CALENDARS.c.id == _CHANNELS.c.calendar_id)
    .where(_CHANNELS.c.id == sa.bindparam("channel_id"))
)
# Both are made once: putting the statement together costs as much as running it.
_FIND_AT: sa.Select[Any] = _FIND.with_only_columns(*list(_FIND.selected_columns)[:-1])


def find(session: Session, channel_id: str, at: datetime | None) -> Found | None:
    """The channel of a notification, or None.

    Without an instant, the one at which the statement reached Postgres.
    """
    statement = _FIND if at is None else _FIND_AT
    row = session.execute(statement, {"channel_id": channel_id}).one_or_none()
    if row is None:
        return None
    return Found(row[0], row[1], row[2], row[3], row[4], at or row[5])


def identify(session: Session, channel_id: str, resource_id: str) -> None:
    """Note what a channel that is still being opened is called at Google."""
    session.execute(
        sa.update(_CHANNELS)
        .where(
            _CHANNELS.c.id == channel_id,
            _CHANNELS.c.state == "opening",
            _CHANNELS.c.resource_id.is_(None),
        )
        .values(resource_id=resource_id)
    )


def note_stray(
    session: Session,
    channel_id: str,
    calendar_id: UUID,
    token_digest: str,
    resource_id: str,
    now: datetime,
) -> bool:
    """Store a channel that is only to be stopped; False where somebody noted it meanwhile."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = session.execute(
        insert(_CHANNELS)
        .values(
            id=channel_id,
            calendar_id=calendar_id,
            token_digest=token_digest,
            resource_id=resource_id,
            state="stopping",
            created_at=now,
            renew_at=now,
        )
        .on_conflict_do_nothing()
        .returning(_CHANNELS.c.id)
    ).one_or_none()
    return row is not None


def to_stop(session: Session, channel_id: str) -> ToStop | None:
    """What is needed to stop a channel; None where it is not stored any more."""
    row = session.execute(
        sa.select(_CHANNELS.c.resource_id, _CHANNELS.c.expires_at, _CALENDARS.c.grant_id)
        .join(_CALENDARS, _CALENDARS.c.id == _CHANNELS.c.calendar_id)
        .where(_CHANNELS.c.id == channel_id)
    ).one_or_none()
    return None if row is None else ToStop(*row)


def of_calendar(session: Session, calendar_id: UUID) -> list[str]:
    """Every stored channel of a calendar."""
    rows = session.scalars(sa.select(_CHANNELS.c.id).where(_CHANNELS.c.calendar_id == calendar_id))
    return list(rows)


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
    chosen = sa.select(lost.c.id).where(lost.c.push_state == "open", ~alive).limit(limit)
    done: sa.CursorResult[object] = session.execute(  # type: ignore[assignment]
        sa.update(_CALENDARS)
        .where(_CALENDARS.c.id.in_(chosen))
        .values(push_state="none", next_sync_at=now, watch_at=None)
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
        .where(_CALENDARS.c.grant_id == grant_id, _CALENDARS.c.push_state == "open")
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
