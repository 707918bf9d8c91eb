"""Forgetting: what is older than the history that is promised, a little at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ..store.tables import (
    Activity,
    Attempt,
    Consent,
    LedgerEntry,
    MailOut,
    SecurityEvent,
    Tally,
    WindowRow,
)
from .runtime import Runtime
from .tallying import EVER

_TO_WITHDRAW = timedelta(days=1)
"""After so long a consent that Google does not let us withdraw is forgotten all the same."""
PORTION = 5_000
"""Rows in one transaction, so that no lock lasts."""


def purge(rt: Runtime, told: Callable[[int], None] = lambda _rows: None) -> int:
    """Delete what is over: history beyond `GCAL_HISTORY_DAYS`, letters that went out as long ago,
    consents and attempts that nobody finished in time. Answers how many rows; `told` hears each
    portion of them. Cut short, the next run goes on where this one stopped.
    """
    with rt.store.begin() as session:
        now = rt.store.now(session)
    before = now - timedelta(days=rt.settings.history_days)
    return sum(_delete(rt, key, over, told) for key, over in _over(now, before))


def _over(now: datetime, before: datetime) -> Iterator[tuple[Any, sa.ColumnElement[bool]]]:
    """The key of each table that forgets, and which of its rows are over."""
    yield LedgerEntry.id, LedgerEntry.due_at < before
    yield Activity.id, Activity.at < before
    yield WindowRow.id, WindowRow.end_at < before
    done = MailOut.state.in_(["sent", "failed", "cancelled"])
    yield MailOut.id, sa.and_(done, MailOut.created_at < before)
    yield SecurityEvent.jti, SecurityEvent.received_at < before
    # Named by its day, so that a day goes in one portion; "ever" has no day and stays.
    yield Tally.day, sa.and_(Tally.day != EVER, Tally.day < before.date().isoformat())
    # These hold sealed tokens: not longer than they can be used, and a day to withdraw them.
    yield Attempt.state_digest, Attempt.expires_at < now
    yield Consent.id, Consent.expires_at < now - _TO_WITHDRAW


def _delete(
    rt: Runtime, key: Any, over: sa.ColumnElement[bool], told: Callable[[int], None]
) -> int:
    gone = 0
    while True:
        with rt.store.begin() as session:
            result: sa.CursorResult[object] = session.execute(  # type: ignore[assignment]
                sa.delete(key.class_)
                .where(key.in_(sa.select(key).where(over).limit(PORTION)))
                .execution_options(synchronize_session=False)
            )
            count = result.rowcount
        gone += count
        told(count)
        if count < PORTION:
            return gone
