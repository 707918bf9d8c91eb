"""Lines that should have been looked at, read where nothing can be written."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .queries_switching import CLAIM_COLUMNS, Claim
from .tables import Forwarding

Place = tuple[datetime, UUID]
"""Where a line stands among the overdue: since when, and which."""


def overdue_running(
    session: Session, before: datetime, now: datetime, limit: int, after: Place | None = None
) -> list[Claim]:
    """Lines that were last asked to hold something and are due since `before`, held by nobody.

    The longest overdue first, those beyond `after`. Read only: nothing is claimed, and `generation`
    and `revision` are the rows' own.
    """
    query = (
        sa.select(*CLAIM_COLUMNS)
        .where(
            Forwarding.due_at <= before,
            Forwarding.desired != [],
            sa.or_(Forwarding.lease_until.is_(None), Forwarding.lease_until <= now),
        )
        .order_by(Forwarding.due_at, Forwarding.link_id)
        .limit(limit)
    )
    if after is not None:
        due_at, link_id = after
        query = query.where(
            sa.or_(
                Forwarding.due_at > due_at,
                sa.and_(Forwarding.due_at == due_at, Forwarding.link_id > link_id),
            )
        )
    return [Claim(*row) for row in session.execute(query)]
