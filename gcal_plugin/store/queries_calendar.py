"""Which calendars want a fetch, who fetches them, and how far each has been read.

A calendar is claimed by one conditional update, which takes a lease and moves its generation on.
What a fetch found is recorded only where the generation is still the claimed one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .bulk import Row, among, update_rows
from .tables import Calendar, Grant, Link

_TABLE = cast(sa.Table, Calendar.__table__)
_LINKS = cast(sa.Table, Link.__table__)
_GRANTS = cast(sa.Table, Grant.__table__)

START_GAP = timedelta(seconds=1)
"""Two fetches of one calendar never start sooner after each other than this."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A calendar as it was when we claimed it; the generation is ours alone."""

    id: UUID
    generation: int
    grant_id: UUID
    google_id: str
    time_zone: str
    access_role: str
    sync_token: str | None
    synced_at: datetime | None
    relist_at: datetime | None
    listed_until: datetime | None
    push_state: str
    failures: int
    last_error: str | None
    next_sync_at: datetime | None
    gone_at: datetime | None
    sync_started_at: datetime
    lease_until: datetime


_CLAIM = tuple(_TABLE.c[name] for name in Claim.__dataclass_fields__)


def due(session: Session, now: datetime, limit: int) -> list[UUID]:
    """Calendars that want a fetch and that nobody holds.

    Those of which Google said that they changed come first, so that a fleet that catches up does
    not keep an edit waiting; then the others, the tenants in turn.
    """
    first = changed(session, now, limit)
    if len(first) >= limit:
        return first
    told = set(first)
    others = _in_turn(session, now, limit)
    return first + [one for one in others if one not in told][: limit - len(first)]


def changed(session: Session, now: datetime, limit: int) -> list[UUID]:
    """Those of them of which Google said that they changed, the longest waiting first."""
    return list(
        session.scalars(
            sa.select(Calendar.id)
            .where(Calendar.dirty, Calendar.next_sync_at <= now, *_free(now))
            .order_by(Calendar.next_sync_at)
            .limit(limit)
        )
    )


def since(session: Session, calendar_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Since when each of these calendars wants its fetch; another instant is another fetch."""
    rows = session.execute(
        sa.select(Calendar.id, Calendar.next_sync_at).where(
            Calendar.id.in_(calendar_ids), Calendar.next_sync_at.is_not(None)
        )
    )
    return {calendar_id: at for calendar_id, at in rows if at is not None}


def _in_turn(session: Session, now: datetime, limit: int) -> list[UUID]:
    """What is due, each tenant in its turn, the longest waiting first.

    Only the oldest few thousand are dealt out, so that a flood costs no more than its head.
    """
    waiting = (
        sa.select(Calendar.id, Calendar.next_sync_at)
        .where(Calendar.next_sync_at <= now, *_free(now))
        .order_by(Calendar.next_sync_at)
        .limit(limit * 8)
        .subquery()
    )
    whose = (
        sa.select(waiting.c.id, waiting.c.next_sync_at, sa.func.min(Link.tenant_id).label("tenant"))
        .outerjoin(Link, sa.and_(Link.calendar_id == waiting.c.id, Link.ended_at.is_(None)))
        .group_by(waiting.c.id, waiting.c.next_sync_at)
        .subquery()
    )
    turn = sa.func.row_number().over(partition_by=whose.c.tenant, order_by=whose.c.next_sync_at)
    dealt = sa.select(whose.c.id, whose.c.next_sync_at, turn.label("turn")).subquery()
    rows = session.scalars(
        sa.select(dealt.c.id).order_by(dealt.c.turn, dealt.c.next_sync_at).limit(limit)
    )
    return list(rows)


def _free(now: datetime) -> list[sa.ColumnElement[bool]]:
    """Nobody fetches it, and the last fetch began long enough ago."""
    return [
        sa.or_(_TABLE.c.lease_until.is_(None), _TABLE.c.lease_until <= now),
        sa.or_(_TABLE.c.sync_started_at.is_(None), _TABLE.c.sync_started_at <= now - START_GAP),
    ]


def claim(
    session: Session,
    calendar_ids: Collection[UUID],
    now: datetime,
    lease: timedelta,
    *,
    due_only: bool = False,
) -> list[Claim]:
    """Take those that are free; with `due_only` those that still want a fetch."""
    wanted = [_TABLE.c.next_sync_at <= now] if due_only else []
    statement = (
        sa.update(_TABLE)
        .where(among(session, _TABLE.c.id, sorted(calendar_ids)), *_free(now), *wanted)
        .values(
            generation=_TABLE.c.generation + 1,
            lease_until=now + lease,
            sync_started_at=now,
            dirty=False,
        )
        .returning(*_CLAIM)
    )
    return [Claim(*row) for row in session.execute(statement)]


def postpone(session: Session, calendar_ids: Collection[UUID], now: datetime) -> None:
    """Have calendars that could not be claimed fetched as soon as they may be."""
    if not calendar_ids:
        return
    soon = now + START_GAP
    session.execute(
        sa.update(_TABLE)
        .where(among(session, _TABLE.c.id, calendar_ids))
        .values(
            dirty=True,
            next_sync_at=sa.case(
                (_TABLE.c.next_sync_at.is_(None), soon),
                (_TABLE.c.next_sync_at > soon, soon),
                else_=_TABLE.c.next_sync_at,
            ),
        )
    )


@dataclass(frozen=True, slots=True)
class Followed:
    """Who follows a calendar."""

    tenant_id: str
    link_ids: tuple[UUID, ...]
    pbxes: tuple[str, ...]
    broken: bool
    """Whether a link lost this calendar and would be glad to have it back."""


def followers(session: Session, calendar_ids: Collection[UUID]) -> dict[UUID, Followed]:
    """The live links of each calendar; a calendar without any is not in the answer."""
    rows = session.execute(
        sa.select(Link.calendar_id, Link.tenant_id, Link.id, Link.pbx, Link.state)
        .where(among(session, _LINKS.c.calendar_id, calendar_ids), Link.ended_at.is_(None))
        .order_by(Link.calendar_id, Link.id)
    )
    found: dict[UUID, Followed] = {}
    for calendar_id, tenant_id, link_id, pbx, state in rows:
        assert calendar_id is not None
        before = found.get(calendar_id)
        lost = state == "calendar_gone"
        if before is None:
            found[calendar_id] = Followed(tenant_id, (link_id,), (pbx,), lost)
        else:
            found[calendar_id] = Followed(
                before.tenant_id,
                (*before.link_ids, link_id),
                (*before.pbxes, pbx),
                before.broken or lost,
            )
    return found


@dataclass(frozen=True, slots=True)
class GrantTokens:
    """What is needed of a grant to ask on its behalf; the access token is still sealed."""

    id: UUID
    client_id: str
    subject: str
    state: str
    access_token: str | None
    access_expires_at: datetime | None


def grants(session: Session, grant_ids: Collection[UUID]) -> dict[UUID, GrantTokens]:
    """The grants with their cached tokens."""
    rows = session.execute(
        sa.select(
            Grant.id,
            Grant.client_id,
            Grant.subject,
            Grant.state,
            Grant.access_token,
            Grant.access_expires_at,
        ).where(among(session, _GRANTS.c.id, grant_ids))
    )
    return {row.id: GrantTokens(*row) for row in rows}


def without_token(
    session: Session, calendar_ids: Collection[UUID], moment: datetime
) -> dict[UUID, bool]:
    """Those of the calendars whose grant has no access token that lasts until after `moment`,
    each with whether Google said that it changed."""
    rows = session.execute(
        sa.select(_TABLE.c.id, _TABLE.c.dirty)
        .join(_GRANTS, _GRANTS.c.id == _TABLE.c.grant_id)
        .where(
            among(session, _TABLE.c.id, sorted(calendar_ids)),
            sa.or_(
                _GRANTS.c.access_token.is_(None),
                _GRANTS.c.access_expires_at.is_(None),
                _GRANTS.c.access_expires_at <= moment,
            ),
        )
    )
    return {row.id: row.dirty for row in rows}


def record(session: Session, rows: Sequence[Row]) -> dict[UUID, bool]:
    """Write down outcomes, each `{"id", "generation", <columns>}`, and give the leases back.

    Answers the calendars that were still ours, each with whether a change was announced while it
    was being fetched. Those are to be fetched again at once, so their `next_sync_at` is now.
    """
    found = update_rows(session, _TABLE, rows, keys=("id", "generation"), answer=("id", "dirty"))
    ours: dict[UUID, bool] = {row.id: bool(row.dirty) for row in found}
    again = [calendar_id for calendar_id, dirty in ours.items() if dirty]
    if again:
        session.execute(
            sa.update(_TABLE)
            .where(among(session, _TABLE.c.id, again))
            .values(next_sync_at=_TABLE.c.sync_started_at)
        )
    return ours


def release(session: Session, claims: Collection[Claim]) -> None:
    """Give back the leases of claims that somebody overtook; their own lease stays theirs."""
    for claim_ in claims:
        session.execute(
            sa.update(_TABLE)
            .where(_TABLE.c.id == claim_.id, _TABLE.c.lease_until == claim_.lease_until)
            .values(lease_until=None)
        )


def list_soon(session: Session, calendar_ids: Collection[UUID], at: datetime) -> None:
    """Have the whole window of these calendars listed anew."""
    session.execute(
        sa.update(_TABLE)
        .where(among(session, _TABLE.c.id, calendar_ids))
        .values(relist_at=at, next_sync_at=at)
    )


def announce(session: Session, calendar_id: UUID, now: datetime) -> bool:
    """Note that a calendar changed; True for the first word of a burst, which wakes a worker."""
    first: sa.CursorResult[Any] = session.execute(  # type: ignore[assignment]
        sa.update(_TABLE)
        .where(_TABLE.c.id == calendar_id, _TABLE.c.dirty.is_(False))
        .values(dirty=True, next_sync_at=now)
    )
    return first.rowcount == 1
