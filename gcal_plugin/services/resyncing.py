"""Fetching everything, or one link's calendar, now: long, shown as it goes, and resumable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from ..store.tables import Calendar, Grant, Link
from .runtime import Runtime
from .sync_report import SyncReport
from .syncing import sync_calendars

PORTION = 50


class NoCalendar(LookupError):
    """There is no such link, or it follows no calendar."""


def calendar_of(rt: Runtime, link_id: UUID) -> UUID:
    """The calendar that a link follows; raises NoCalendar."""
    with rt.store.begin() as session:
        found = session.scalar(
            sa.select(Link.calendar_id).where(Link.id == link_id, Link.ended_at.is_(None))
        )
    if found is None:
        raise NoCalendar(str(link_id))
    return found


def not_fetched_since(rt: Runtime, seconds: float) -> list[UUID]:
    """Every followed calendar that was not fetched in the last `seconds`, oldest news first.

    So a run that was cut short goes on where it stopped when it is started again.
    """
    with rt.store.begin() as session:
        before = rt.store.now(session) - timedelta(seconds=seconds)
        followed = sa.exists().where(Link.calendar_id == Calendar.id, Link.ended_at.is_(None))
        return list(
            session.scalars(
                sa.select(Calendar.id)
                .join(Grant, Grant.id == Calendar.grant_id)
                .where(
                    followed,
                    Grant.state == "live",
                    Calendar.gone_at.is_(None),
                    sa.or_(Calendar.synced_at.is_(None), Calendar.synced_at < before),
                )
                .order_by(Calendar.synced_at)
            )
        )


def fetch(
    rt: Runtime, calendar_ids: Sequence[UUID], *, told: Callable[[int], None] = lambda _: None
) -> SyncReport:
    """Fetch these calendars a portion at a time; `told` hears how many were done each time."""
    report = SyncReport()
    for part in _portions(calendar_ids):
        report.add(sync_calendars(rt, part, urgent=len(calendar_ids) == 1))
        rt.store.release()
        told(len(part))
    return report


def _portions(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), PORTION):
        yield ids[start : start + PORTION]
