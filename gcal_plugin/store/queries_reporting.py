"""What the pages ask of the database: a fixed number of queries, however much there is to show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.reasons import Reason, is_ordinary
from .tables import Activity, Calendar, Consent, Forwarding, Grant, LedgerEntry, Link, WindowRow

ORDINARY = sorted(reason.value for reason in Reason if is_ordinary(reason))
_TOLD = sa.or_(WindowRow.reason.is_(None), WindowRow.reason.not_in(ORDINARY))


def coming_windows(
    session: Session, calendar_id: UUID, now: datetime, until: datetime, limit: int
) -> Sequence[WindowRow]:
    """The events that forward, or were meant to, from the running ones on."""
    return session.scalars(
        sa.select(WindowRow)
        .where(
            WindowRow.calendar_id == calendar_id,
            WindowRow.replaced_at.is_(None),
            WindowRow.end_at > now,
            WindowRow.start_at < until,
            _TOLD,
        )
        .order_by(WindowRow.start_at, WindowRow.id)
        .limit(limit)
    ).all()


def count_windows(
    session: Session, calendar_id: UUID, now: datetime, until: datetime
) -> tuple[int, int]:
    """How many coming events there are: (to be told about, ordinary)."""
    told, every = session.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(sa.case((_TOLD, 1), else_=0)), 0), sa.func.count()
        ).where(
            WindowRow.calendar_id == calendar_id,
            WindowRow.replaced_at.is_(None),
            WindowRow.end_at > now,
            WindowRow.start_at < until,
        )
    ).one()
    return int(told), int(every) - int(told)


def activity(session: Session, link_id: UUID, limit: int) -> Sequence[Activity]:
    """The newest lines of a link's activity."""
    return session.scalars(
        sa.select(Activity)
        .where(Activity.link_id == link_id)
        .order_by(Activity.at.desc(), Activity.id.desc())
        .limit(limit)
    ).all()


def ledger(session: Session, link_id: UUID, limit: int) -> Sequence[LedgerEntry]:
    """The newest switches of a link."""
    return session.scalars(
        sa.select(LedgerEntry)
        .where(LedgerEntry.link_id == link_id)
        .order_by(LedgerEntry.due_at.desc(), LedgerEntry.id.desc())
        .limit(limit)
    ).all()


def consent_waits(session: Session, link_id: UUID, account_id: str, now: datetime) -> bool:
    """Whether a consent waits for its owner to choose a calendar."""
    return bool(
        session.scalar(
            sa.select(
                sa.exists().where(
                    Consent.link_id == link_id,
                    Consent.account_id == account_id,
                    Consent.expires_at > now,
                )
            )
        )
    )


BoardRow = tuple[Link, Forwarding | None, Calendar | None, Grant | None]


def board(session: Session, limit: int) -> list[BoardRow]:
    """The live links for the operators, those with something wrong first."""
    wrong = sa.case(
        (Link.broken_at.is_not(None), 0),
        (sa.func.coalesce(Forwarding.failures, 0) > 0, 1),
        (sa.func.coalesce(Calendar.failures, 0) > 0, 2),
        else_=3,
    )
    rows = session.execute(
        sa.select(Link, Forwarding, Calendar, Grant)
        .outerjoin(Forwarding, Forwarding.link_id == Link.id)
        .outerjoin(Calendar, Calendar.id == Link.calendar_id)
        .outerjoin(Grant, Grant.id == Link.grant_id)
        .where(Link.ended_at.is_(None))
        .order_by(wrong, Link.tenant_id, Link.domain, Link.extension)
        .limit(limit)
    )
    return [(link, forwarding, calendar, grant) for link, forwarding, calendar, grant in rows]


def last_switches(session: Session, link_ids: Collection[UUID]) -> dict[UUID, LedgerEntry]:
    """The newest switch of each of these links, in one query."""
    if not link_ids:
        return {}
    newest = (
        sa.select(sa.func.max(LedgerEntry.id))
        .where(LedgerEntry.link_id.in_(link_ids))
        .group_by(LedgerEntry.link_id)
    )
    rows = session.scalars(sa.select(LedgerEntry).where(LedgerEntry.id.in_(newest)))
    return {row.link_id: row for row in rows}
