"""One push channel: found by its id, noted, told what it is called at Google."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .bulk import insert_new
from .tables import Calendar, Channel
from .types import Instant

_CHANNELS = cast(sa.Table, Channel.__table__)
_CALENDARS = cast(sa.Table, Calendar.__table__)


@dataclass(frozen=True, slots=True)
class Found:
    """A channel as a notification needs it."""

    calendar_id: UUID
    token_digest: str
    state: str
    expires_at: datetime | None
    dirty: bool
    """Whether its calendar is known to have changed already."""
    last_message_at: datetime | None
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
        _CHANNELS.c.last_message_at,
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
    return Found(*(*row[:6], at or row[6]))


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


def hear(session: Session, channel_id: str, calendar_id: UUID, now: datetime) -> None:
    """Note that messages arrive on a channel: its calendar counts on it again."""
    session.execute(
        sa.update(_CHANNELS).where(_CHANNELS.c.id == channel_id).values(last_message_at=now)
    )
    session.execute(
        sa.update(_CALENDARS)
        .where(_CALENDARS.c.id == calendar_id, _CALENDARS.c.push_state == "silent")
        .values(push_state="open")
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
    return insert_new(
        session,
        Channel,
        {
            "id": channel_id,
            "calendar_id": calendar_id,
            "token_digest": token_digest,
            "resource_id": resource_id,
            "state": "stopping",
            "created_at": now,
            "renew_at": now,
        },
    )


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
