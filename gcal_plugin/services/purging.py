"""Forgetting: what is older than the history that is promised, a little at a time."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from ..store.tables import Activity, LedgerEntry, WindowRow
from .runtime import Runtime

PORTION = 5_000
"""Rows in one transaction, so that no lock lasts."""


def purge(rt: Runtime) -> int:
    """Delete ledger, activity and past windows beyond `GCAL_HISTORY_DAYS`; answers their number."""
    with rt.store.begin() as session:
        before = rt.store.now(session) - timedelta(days=rt.settings.history_days)
    gone = 0
    for table, column in (
        (LedgerEntry, LedgerEntry.due_at),
        (Activity, Activity.at),
        (WindowRow, WindowRow.end_at),
    ):
        while True:
            with rt.store.begin() as session:
                old = sa.select(table.id).where(column < before).limit(PORTION)
                result: sa.CursorResult[object] = session.execute(  # type: ignore[assignment]
                    sa.delete(table)
                    .where(table.id.in_(old))
                    .execution_options(synchronize_session=False)
                )
                count = result.rowcount
            gone += count
            if count < PORTION:
                break
    return gone
