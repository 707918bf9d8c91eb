"""Sealing everything again with the newest key: online, in small steps, resumable at any point.

What still has to be done is read from the data itself, so a run that was killed is simply started
again. A value is replaced only where it is still the one that was read, so a token that was
refreshed in between stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..store.crypto import CannotOpen, Keyring, place
from ..store.tables import Attempt, Consent, Grant
from .guarding import audit
from .runtime import Runtime

SEALED: tuple[tuple[Any, Any, Any], ...] = (
    (Grant, Grant.id, Grant.refresh_token),
    (Grant, Grant.id, Grant.access_token),
    (Consent, Consent.id, Consent.refresh_token),
    (Consent, Consent.id, Consent.access_token),
    (Attempt, Attempt.state_digest, Attempt.secrets),
)
"""Every sealed column with its table and key: what is not here is not rotated."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What one run did. `lost` values open with no key of the keyring and were left alone."""

    sealed_again: int
    lost: int


def rotate(
    rt: Runtime,
    *,
    actor: str,
    batch: int = 100,
    told: Callable[[int], None] = lambda _count: None,
) -> Rotation:
    """Seal every value that an older key sealed with the newest one; repeat it at will.

    `told` hears how many values each portion took, those included that do not open.
    """
    done = lost = 0
    for column in SEALED:
        for again, failed in _column(rt, column, batch):
            done += again
            lost += failed
            told(again + failed)
    with rt.store.begin() as session:
        key = rt.store.keyring.current_id
        audit(session, actor, "keys_rotate", f"key:{key}", "", sealed=done, lost=lost)
    return Rotation(done, lost)


def counts(rt: Runtime) -> dict[str, int]:
    """How many values each key sealed, by the key's id; one that is gone has `?` before it."""
    found: Counter[str] = Counter()
    with rt.store.begin() as session:
        for _, _, column in SEALED:
            key_of = sa.func.substr(column, 4, 8)
            rows = session.execute(
                sa.select(key_of, sa.func.count()).where(column.is_not(None)).group_by(key_of)
            )
            for key, count in rows:
                found[key if rt.store.keyring.knows(key) else f"?{key}"] += count
    return dict(found)


def waiting(rt: Runtime) -> int:
    """How many values an older key sealed: what a run has before it."""
    newest = rt.store.keyring.current_id
    return sum(count for key, count in counts(rt).items() if key != newest)


def _column(rt: Runtime, where: tuple[Any, Any, Any], batch: int) -> Iterator[tuple[int, int]]:
    table, key, column = where
    after: Any = None
    while True:
        with rt.store.begin() as session:
            query = (
                sa.select(key, column)
                .where(column.is_not(None), ~column.startswith(rt.store.keyring.mark))
                .order_by(key)
                .limit(batch)
            )
            rows = session.execute(query if after is None else query.where(key > after)).all()
            outcomes = [
                _one(session, rt.store.keyring, table, key, column, row[0], row[1]) for row in rows
            ]
        if not rows:
            return
        after = rows[-1][0]
        yield outcomes.count(True), outcomes.count(None)


def _one(
    session: Session, keyring: Keyring, table: Any, key: Any, column: Any, row: Any, sealed: str
) -> bool | None:
    """Whether the value was sealed again; None where it does not open."""
    at = place(table.__tablename__, row, column.key)
    try:
        fresh = keyring.seal(keyring.open(sealed, at), at)
    except CannotOpen:
        return None
    done = session.execute(
        sa.update(table)
        .where(key == row, column == sealed)
        .values({column: fresh})
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]  # an update's cursor counts rows
