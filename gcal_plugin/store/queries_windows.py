"""What stored windows say about one instant: who is open, and when that next changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .queries_switching import among, chunks
from .tables import WindowRow

_W = WindowRow
_CURRENT = (_W.replaced_at.is_(None), _W.value.is_not(None))


def open_windows(
    session: Session, calendar_ids: Iterable[UUID], at: datetime, until: datetime | None = None
) -> dict[UUID, list[WindowRow]]:
    """The windows with a recognised destination that are open at `at`, by calendar.

    With `until` also those that start before it: what a plan is made of.
    """
    found: dict[UUID, list[WindowRow]] = {}
    for part in chunks(calendar_ids):
        starts = _W.start_at <= at if until is None else _W.start_at < until
        rows = session.scalars(
            sa.select(_W).where(
                among(session, _W.calendar_id, part), _W.end_at > at, starts, *_CURRENT
            )
        )
        for row in rows:
            found.setdefault(row.calendar_id, []).append(row)
    return found


def next_edges(
    session: Session, calendar_ids: Iterable[UUID], at: datetime
) -> dict[UUID, datetime]:
    """The first instant after `at` at which a window of each calendar starts or ends."""
    found: dict[UUID, datetime] = {}
    for part in chunks(calendar_ids):
        rows = session.execute(
            sa.select(
                _W.calendar_id,
                sa.func.min(sa.case((_W.start_at > at, _W.start_at))),
                sa.func.min(_W.end_at),
            )
            .where(among(session, _W.calendar_id, part), _W.end_at > at, *_CURRENT)
            .group_by(_W.calendar_id)
        )
        for calendar_id, start, end in rows:
            found[calendar_id] = min(start, end) if start is not None else end
    return found
