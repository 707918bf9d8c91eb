"""What the pages ask of the database: a fixed number of queries, however much there is to show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.reasons import Reason, is_ordinary
from .tables import Activity, Consent, LedgerEntry, WindowRow

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
