"""What the pages ask of the database: a fixed number of queries, however much there is to show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.reasons import Reason, is_ordinary
from .tables import Activity, Consent, LedgerEntry, WindowRow

ORDINARY = sorted(reason.value for reason in Reason if is_ordinary(reason))
_TOLD = sa.or_(WindowRow.reason.is_(None), WindowRow.reason.not_in(ORDINARY))


_IN_SIGHT = (
    WindowRow.calendar_id == sa.bindparam("calendar_id"),
    WindowRow.replaced_at.is_(None),
    WindowRow.end_at > sa.bindparam("now"),
    WindowRow.start_at < sa.bindparam("until"),
)
# Built once: putting the two together costs more than asking them. Columns, not entities: nothing
# here is changed, and fifty entities a page are fifty times the session's bookkeeping.
_COMING = (
    sa.select(*WindowRow.__table__.columns)
    .where(*_IN_SIGHT, _TOLD)
    .order_by(WindowRow.start_at, WindowRow.id)
    .limit(sa.bindparam("most"))
)
_COUNTED = sa.select(
    sa.func.coalesce(sa.func.sum(sa.case((_TOLD, 1), else_=0)), 0), sa.func.count()
).where(*_IN_SIGHT)


def coming_windows(
    session: Session, calendar_id: UUID, now: datetime, until: datetime, limit: int
) -> Sequence[WindowRow]:
    """The events that forward, or were meant to, from the running ones on; only to be read."""
    asked = {"calendar_id": calendar_id, "now": now, "until": until, "most": limit}
    return cast("Sequence[WindowRow]", session.execute(_COMING, asked).all())


def count_windows(
    session: Session, calendar_id: UUID, now: datetime, until: datetime
) -> tuple[int, int]:
    """How many coming events there are: (to be told about, ordinary)."""
    asked = {"calendar_id": calendar_id, "now": now, "until": until}
    told, every = session.execute(_COUNTED, asked).one()
    return int(told), int(every) - int(told)


_ACTIVITY = (
    sa.select(*Activity.__table__.columns)
    .where(Activity.link_id == sa.bindparam("link_id"))
    .order_by(Activity.at.desc(), Activity.id.desc())
    .limit(sa.bindparam("most"))
)
_LEDGER = (
    sa.select(*LedgerEntry.__table__.columns)
    .where(LedgerEntry.link_id == sa.bindparam("link_id"))
    .order_by(LedgerEntry.due_at.desc(), LedgerEntry.id.desc())
    .limit(sa.bindparam("most"))
)


def activity(session: Session, link_id: UUID, limit: int) -> Sequence[Activity]:
    """The newest lines of a link's activity; only to be read."""
    found = session.execute(_ACTIVITY, {"link_id": link_id, "most": limit}).all()
    return cast("Sequence[Activity]", found)


def ledger(session: Session, link_id: UUID, limit: int) -> Sequence[LedgerEntry]:
    """The newest switches of a link; only to be read."""
    found = session.execute(_LEDGER, {"link_id": link_id, "most": limit}).all()
    return cast("Sequence[LedgerEntry]", found)


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


def last_edges(
    session: Session, link_ids: Collection[UUID], until: datetime
) -> dict[UUID, datetime]:
    """For each line the newest edge or change, up to `until`, that was sent to its exchange."""
    rows = session.execute(
        sa.select(LedgerEntry.link_id, sa.func.max(LedgerEntry.due_at))
        .where(LedgerEntry.link_id.in_(link_ids), LedgerEntry.due_at <= until)
        .group_by(LedgerEntry.link_id)
    )
    return {row[0]: row[1] for row in rows}
