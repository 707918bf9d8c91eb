"""The ledger of forwards: what was asked, sent, answered and read back, and how punctual we are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.destination import Destination
from ..store.tables import LedgerEntry
from .runtime import Runtime
from .switching.model import set_of

PUNCTUALITY_DAYS = 30


@dataclass(frozen=True, slots=True)
class Switch:
    """One line of the ledger."""

    at: datetime
    """The instant of the edge, or of the change that asked for it."""
    cause: str
    destinations: frozenset[Destination]
    event_ids: tuple[str, ...]
    outcome: str
    detail: str
    sent_at: datetime | None
    answered_at: datetime | None
    read_back_at: datetime | None
    seconds_late: float | None
    revision: int


@dataclass(frozen=True, slots=True)
class Punctuality:
    """How late forwards at edges were, in seconds, over the days that count."""

    switches: int
    p50: float | None
    p99: float | None
    worst: float | None


def switches_of(rt: Runtime, link_id: UUID, *, limit: int = 50) -> list[Switch]:
    """The latest switches of a link, newest first."""
    with rt.store.begin() as session:
        rows = session.scalars(
            sa.select(LedgerEntry)
            .where(LedgerEntry.link_id == link_id)
            .order_by(LedgerEntry.due_at.desc(), LedgerEntry.id.desc())
            .limit(limit)
        )
        return [_switch(row) for row in rows]


def _switch(row: LedgerEntry) -> Switch:
    return Switch(
        at=row.due_at,
        cause=row.cause,
        destinations=set_of(row.destinations),
        event_ids=tuple(row.event_ids),
        outcome=row.outcome,
        detail=row.detail or "",
        sent_at=row.sent_at,
        answered_at=row.answered_at,
        read_back_at=row.read_back_at,
        seconds_late=row.seconds_late,
        revision=row.revision,
    )


def punctuality(
    rt: Runtime,
    *,
    tenant_id: str | None = None,
    link_id: UUID | None = None,
    days: int = PUNCTUALITY_DAYS,
) -> Punctuality:
    """Median and 99th percentile of the lateness at edges, of everything or of one tenant or link.

    Exact, by two look-ups in order: SQLite has no percentile of its own.
    """
    with rt.store.begin() as session:
        where = [
            LedgerEntry.due_at >= rt.store.now(session) - timedelta(days=days),
            LedgerEntry.cause == "edge",
            LedgerEntry.outcome == "done",
            LedgerEntry.seconds_late.is_not(None),
        ]
        if tenant_id is not None:
            where.append(LedgerEntry.tenant_id == tenant_id)
        if link_id is not None:
            where.append(LedgerEntry.link_id == link_id)
        count = session.scalar(sa.select(sa.func.count()).where(*where)) or 0
        if not count:
            return Punctuality(0, None, None, None)
        return Punctuality(
            count,
            _at(session, where, (count - 1) // 2),
            _at(session, where, min(count - 1, (count * 99) // 100)),
            _at(session, where, count - 1),
        )


def _at(session: Session, where: list[sa.ColumnElement[bool]], place: int) -> float | None:
    return session.scalar(
        sa.select(LedgerEntry.seconds_late)
        .where(*where)
        .order_by(LedgerEntry.seconds_late)
        .offset(place)
        .limit(1)
    )
