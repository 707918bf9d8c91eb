"""The ledger counted into histograms, a piece at a time, so that figures cost nothing to show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain import buckets
from ..store.tables import LedgerEntry, Tally, TallyMark
from .runtime import Runtime

LATE, PUSH = "late", "push"
EVER = ""
PORTION = 20_000
"""Entries counted in one transaction."""

Key = tuple[str, str, str, str]
"""Name, day, tenant, exchange."""


@dataclass(slots=True)
class _Sum:
    counts: buckets.Counts = field(default_factory=buckets.empty)
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[buckets.place(seconds)] += 1
        self.total += seconds


def tally(rt: Runtime, told: Callable[[int], None] = lambda _entries: None) -> int:
    """Count what the ledger gained up to our last look; answers how many entries were read.

    `told` hears of each portion. Cut short, the next run goes on where this one stopped.

    Of two that run at once the second waits for the first, and finds nothing left.
    """
    read = 0
    while True:
        with rt.store.begin() as session:
            mark = _mark(session)
            newest = session.scalar(sa.select(sa.func.max(LedgerEntry.id))) or 0
            rows = session.execute(
                sa.select(
                    LedgerEntry.id,
                    LedgerEntry.tenant_id,
                    LedgerEntry.pbx,
                    LedgerEntry.due_at,
                    LedgerEntry.cause,
                    LedgerEntry.outcome,
                    LedgerEntry.sent_at,
                    LedgerEntry.answered_at,
                    LedgerEntry.seconds_late,
                )
                .where(LedgerEntry.id > mark.counted, LedgerEntry.id <= mark.seen)
                .order_by(LedgerEntry.id)
                .limit(PORTION)
            ).all()
            _add(session, _sums(rows))
            read += len(rows)
            told(len(rows))
            if len(rows) < PORTION:
                mark.counted, mark.seen = max(mark.seen, mark.counted), newest
                return read
            mark.counted = rows[-1].id


def _mark(session: Session) -> TallyMark:
    """The mark, ours until the commit."""
    moved = sa.update(TallyMark).where(TallyMark.name == "ledger").values(seen=TallyMark.seen)
    session.execute(moved.execution_options(synchronize_session=False))
    mark = session.get(TallyMark, "ledger", populate_existing=True)
    if mark is None:
        mark = TallyMark(name="ledger", counted=0, seen=0)
        session.add(mark)
    return mark


def _sums(rows: Iterable[Any]) -> dict[Key, _Sum]:
    sums: dict[Key, _Sum] = defaultdict(_Sum)
    for row in rows:
        day = row.due_at.date().isoformat()
        measured = []
        if row.cause == "edge" and row.outcome == "done" and row.seconds_late is not None:
            measured.append((LATE, max(0.0, row.seconds_late)))
        if row.sent_at is not None and row.answered_at is not None:
            measured.append((PUSH, max(0.0, (row.answered_at - row.sent_at).total_seconds())))
        for name, seconds in measured:
            for period in (day, EVER):
                sums[name, period, row.tenant_id, row.pbx].add(seconds)
    return sums


def _add(session: Session, sums: dict[Key, _Sum]) -> None:
    for key, new in sums.items():
        held = session.get(Tally, key, populate_existing=True)
        if held is None:
            name, day, tenant_id, pbx = key
            held = Tally(
                name=name, day=day, tenant_id=tenant_id, pbx=pbx, counts=new.counts, total=new.total
            )
            session.add(held)
        else:
            held.counts = buckets.added(held.counts, new.counts)
            held.total += new.total


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often which length of time was seen, by tenant and exchange."""

    tenant_id: str
    pbx: str
    counts: buckets.Counts
    total: float


def since(rt: Runtime, session: Session, name: str, days: int) -> list[Histogram]:
    """The histograms of the last `days` days."""
    first = (rt.store.now(session) - timedelta(days=days)).date().isoformat()
    return _read(session, Tally.name == name, Tally.day >= first, Tally.day != EVER)


def ever(session: Session, name: str) -> list[Histogram]:
    """The histograms since the beginning; these only grow."""
    return _read(session, Tally.name == name, Tally.day == EVER)


def _read(session: Session, *where: sa.ColumnElement[bool]) -> list[Histogram]:
    sums: dict[tuple[str, str], Histogram] = {}
    for row in session.execute(
        sa.select(Tally.tenant_id, Tally.pbx, Tally.counts, Tally.total).where(*where)
    ):
        known = sums.get((row.tenant_id, row.pbx))
        sums[row.tenant_id, row.pbx] = Histogram(
            row.tenant_id,
            row.pbx,
            buckets.added(known.counts, row.counts) if known else list(row.counts),
            (known.total if known else 0.0) + row.total,
        )
    return list(sums.values())


def together(histograms: Iterable[Histogram]) -> buckets.Counts:
    """All of them in one."""
    counts = buckets.empty()
    for one in histograms:
        counts = buckets.added(counts, one.counts)
    return counts
