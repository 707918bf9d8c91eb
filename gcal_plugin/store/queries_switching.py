"""Which lines want attention, who works on them, and what came of it.

A line is claimed by one conditional update that takes a lease and moves its generation on; what a
worker found out is recorded only where the generation is still the one it claimed. No row stays
locked in between, so a worker that dies, sleeps or is overtaken holds nobody up and harms nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from .tables import Forwarding, Link

_T = TypeVar("_T")
_CHUNK = 500

Pairs = list[list[str]]
"""A stored set: [[kind, value], ...] in canonical order."""


@dataclass(frozen=True, slots=True)
class Due:
    """A line that wants attention at `due_at`, and that nobody holds."""

    link_id: UUID
    tenant_id: str
    pbx: str
    due_at: datetime
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """A line as it was when we claimed it; `generation` and `revision` are ours alone."""

    link_id: UUID
    tenant_id: str
    pbx: str
    domain: str
    extension: str
    due_at: datetime
    due_cause: str
    asked_at: datetime | None
    generation: int
    settled: int
    lease_until: datetime
    revision: int
    desired: Pairs
    observed: Pairs | None
    observed_revision: int | None
    observed_at: datetime | None
    foreign_set: Pairs | None
    plan: list[list[Any]] | None
    plan_until: datetime | None
    trial_value: str | None
    trial_until: datetime | None
    failures: int
    last_error: str | None
    refused: list[list[str]]
    changes_day: str | None
    changes_count: int

    @property
    def in_doubt(self) -> bool:
        """Whether an earlier claim ended without a word: its write may have landed or not."""
        return self.settled != self.generation - 1

    @property
    def overtook(self) -> bool:
        """Whether somebody was still at work, or several died: a write may be on its way yet."""
        return self.settled < self.generation - 2


CLAIM_COLUMNS = [getattr(Forwarding, name) for name in Claim.__dataclass_fields__]


def chunks(items: Iterable[_T], size: int = _CHUNK) -> Iterator[list[_T]]:
    """The items in lists of at most `size`."""
    source = iter(items)
    while part := list(islice(source, size)):
        yield part


def among(session: Session, column: Any, ids: Collection[UUID]) -> sa.ColumnElement[bool]:
    """`column IN ids`; on Postgres as one array, which costs a fraction of hundreds of values."""
    if session.get_bind().dialect.name == "postgresql":
        array = sa.bindparam(None, list(ids), type_=postgresql.ARRAY(sa.Uuid()))
        found: sa.ColumnElement[bool] = column == sa.func.any(array)
        return found
    chosen: sa.ColumnElement[bool] = column.in_(ids)
    return chosen


def in_order(
    session: Session, link_ids: Collection[UUID], *, skip: bool = False
) -> sa.ScalarSelect[UUID]:
    """These links' rows, locked in one order that everybody keeps, so that no two statements can
    wait for each other. To be used as `link_id.in_(...)` of an update.

    `skip` leaves out those that somebody has locked, for whoever takes rows in another order: who
    does not wait keeps nobody waiting for ever.
    """
    rows = sa.select(Forwarding.link_id).where(among(session, Forwarding.link_id, link_ids))
    locked = rows.order_by(Forwarding.link_id).with_for_update(key_share=True, skip_locked=skip)
    return locked.scalar_subquery()


def ensure_rows(session: Session, link_ids: Iterable[UUID]) -> None:
    """Make the row of each link that has none yet."""
    for part in chunks(link_ids):
        missing = sa.select(Link.id, Link.tenant_id, Link.pbx, Link.domain, Link.extension).where(
            among(session, Link.id, part), ~sa.exists().where(Forwarding.link_id == Link.id)
        )
        rows = [
            {
                "link_id": row.id,
                "tenant_id": row.tenant_id,
                "pbx": row.pbx,
                "domain": row.domain,
                "extension": row.extension,
            }
            for row in session.execute(missing)
        ]
        if rows:
            session.execute(sa.insert(Forwarding), rows)


def mark_due(
    session: Session, link_ids: Sequence[UUID], at: datetime, *, cause: str = "change"
) -> None:
    """Have these links' lines looked at from `at` on, unless they are due sooner already.

    Whoever is at work on one of them has been overtaken: the generation moves on, so that their
    result is not recorded and a batch that is armed for a coming instant is dropped. A quarantine
    ends, since what poisoned the line may be what changed. Call it once in a transaction: between
    two calls' rows there is no order.
    """
    ensure_rows(session, link_ids)
    held = Forwarding.lease_until.is_not(None)
    sooner = sa.or_(Forwarding.due_at.is_(None), Forwarding.due_at > at)
    earlier = sa.or_(Forwarding.asked_at.is_(None), Forwarding.asked_at > at)
    for part in chunks(sorted(link_ids)):
        session.execute(
            sa.update(Forwarding)
            .where(Forwarding.link_id.in_(in_order(session, part)))
            .values(
                due_at=sa.case((sooner, at), else_=Forwarding.due_at),
                due_cause=sa.case((sooner, cause), else_=Forwarding.due_cause),
                asked_at=sa.case((earlier, at), else_=Forwarding.asked_at),
                generation=Forwarding.generation + sa.case((held, 1), else_=0),
                lease_until=None,
                lease_by=None,
                failures=0,
                quarantined_at=None,
            )
            .execution_options(synchronize_session=False)
        )


def claim(
    session: Session,
    link_ids: Sequence[UUID],
    *,
    pbxs: Collection[str],
    until: datetime,
    now: datetime,
    lease_until: datetime,
    by: str,
) -> list[Claim]:
    """Take those of the lines that are on these exchanges, due up to `until`, and free.

    Each gets the next generation and a revision above every one that was asked for or seen, so
    that an exchange which fences refuses whoever we overtook. A row that another transaction has
    locked is left for the next look.
    """
    claimed: list[Claim] = []
    seen = sa.func.coalesce(Forwarding.observed_revision, 0)
    for part in chunks(link_ids):
        free = (
            sa.select(Forwarding.link_id)
            .where(
                among(session, Forwarding.link_id, part),
                Forwarding.pbx.in_(pbxs),
                Forwarding.due_at <= until,
                sa.or_(Forwarding.lease_until.is_(None), Forwarding.lease_until <= now),
            )
            .with_for_update(skip_locked=True)
        )
        rows = session.execute(
            sa.update(Forwarding)
            .where(Forwarding.link_id.in_(free))
            .values(
                generation=Forwarding.generation + 1,
                revision=sa.case((seen > Forwarding.revision, seen), else_=Forwarding.revision) + 1,
                lease_until=lease_until,
                lease_by=by,
            )
            .returning(*CLAIM_COLUMNS)
            .execution_options(synchronize_session=False)
        )
        claimed += [Claim(*row) for row in rows]
    return claimed


def still_ours(session: Session, claims: Mapping[UUID, int]) -> set[UUID]:
    """Which of the claims (link id -> generation) nobody has overtaken."""
    ours: set[UUID] = set()
    for part in chunks(claims):
        rows = session.execute(
            sa.select(Forwarding.link_id, Forwarding.generation).where(
                among(session, Forwarding.link_id, part)
            )
        )
        ours |= {link_id for link_id, generation in rows if claims[link_id] == generation}
    return ours


def renew(session: Session, claims: Mapping[UUID, int], lease_until: datetime) -> set[UUID]:
    """Take the leases of these claims (link id -> generation) anew; answers those still held.

    One conditional update: what somebody took over or gave back meanwhile is left alone.
    """
    held: set[UUID] = set()
    for part in chunks(sorted(claims.items())):
        rows = session.scalars(
            sa.update(Forwarding)
            .where(
                Forwarding.link_id.in_(in_order(session, [link_id for link_id, _ in part])),
                sa.tuple_(Forwarding.link_id, Forwarding.generation).in_(part),
                Forwarding.lease_until.is_not(None),
            )
            .values(lease_until=lease_until)
            .returning(Forwarding.link_id)
            .execution_options(synchronize_session=False)
        )
        held |= set(rows)
    return held
