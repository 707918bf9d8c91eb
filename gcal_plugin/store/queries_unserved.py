"""Lines whose exchange the asking process does not know: another one may, so nobody claims them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .queries_switching import among, chunks
from .tables import Activity, Forwarding


def put_off(
    session: Session,
    link_ids: Sequence[UUID],
    known: Collection[str],
    now: datetime,
    wait: timedelta,
) -> dict[str, int]:
    """Tell on each of these lines that nobody served for `wait` that its exchange is not known,
    and leave it alone for as long; answers their number by exchange.

    Nothing else of the line changes: it takes no try, and whoever knows the exchange again finds it
    due.
    """
    found: dict[str, int] = {}
    for part in chunks(link_ids):
        rows = session.execute(
            sa.select(
                Forwarding.link_id, Forwarding.tenant_id, Forwarding.pbx, Forwarding.last_error
            )
            .where(
                among(session, Forwarding.link_id, part),
                Forwarding.pbx.not_in(known),
                Forwarding.due_at <= now - wait,
                sa.or_(Forwarding.lease_until.is_(None), Forwarding.lease_until <= now),
            )
            .with_for_update(skip_locked=True)
        ).all()
        for pbx in {row.pbx for row in rows}:
            lines = [row for row in rows if row.pbx == pbx]
            words = f"no exchange named {pbx!r} is configured"
            session.execute(
                sa.update(Forwarding)
                .where(among(session, Forwarding.link_id, [row.link_id for row in lines]))
                .values(
                    due_at=now + wait,
                    asked_at=sa.func.coalesce(Forwarding.asked_at, Forwarding.due_at),
                    last_error=words,
                    failures=sa.case((Forwarding.failures < 1, 1), else_=Forwarding.failures),
                )
                .execution_options(synchronize_session=False)
            )
            session.add_all(
                Activity(
                    link_id=row.link_id,
                    tenant_id=row.tenant_id,
                    at=now,
                    what="refused",
                    actor="system",
                    detail={"error": words},
                )
                for row in lines
                if row.last_error is None
            )
            found[pbx] = found.get(pbx, 0) + len(lines)
    return found
