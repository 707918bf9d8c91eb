"""Which lines were refused by their exchange, and having them tried again."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .queries_sweep import as_text
from .queries_switching import among, chunks
from .tables import Forwarding

WAITING = timedelta(seconds=15)
"""A line that is due sooner than this is on its way already."""


def ask_again(session: Session, pbx: str, now: datetime, *, probe: bool = False) -> list[UUID]:
    """Make lines due now that wait since their exchange refused them; answers which.

    With `probe` one only, of those that still hold something: the one that waited longest. How
    often each was tried is kept, so that a line which stays refused goes on waiting.
    """
    chosen = (
        sa.select(Forwarding.link_id)
        .where(
            Forwarding.pbx == pbx,
            Forwarding.last_error.is_not(None),
            Forwarding.failures > 0,
            Forwarding.quarantined_at.is_(None),
            Forwarding.lease_until.is_(None),
            Forwarding.settled == Forwarding.generation,
            sa.or_(Forwarding.due_at.is_(None), Forwarding.due_at > now + WAITING),
        )
        .with_for_update(skip_locked=True)
    )
    if probe:
        standing = sa.or_(
            as_text(Forwarding.observed).not_in(("null", "[]")),
            as_text(Forwarding.desired).not_in(("null", "[]")),
            as_text(Forwarding.plan).not_in(("null", "[]")),
        )
        chosen = chosen.where(standing).order_by(Forwarding.due_at).limit(1)
    found = list(session.scalars(chosen))
    for part in chunks(found):
        session.execute(
            sa.update(Forwarding)
            .where(among(session, Forwarding.link_id, part))
            .values(due_at=now)
            .execution_options(synchronize_session=False)
        )
    return found
