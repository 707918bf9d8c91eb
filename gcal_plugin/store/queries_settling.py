"""Writing down what became of claimed lines, hundreds at a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .queries_switching import Pairs, chunks, in_order
from .tables import Forwarding, LedgerEntry


@dataclass(frozen=True, slots=True)
class Settlement:
    """The new state of one line, to be written where `generation` is still the row's."""

    link_id: UUID
    generation: int
    due_at: datetime | None
    due_cause: str
    asked_at: datetime | None
    settled: int
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
    quarantined_at: datetime | None
    changes_day: str | None
    changes_count: int


_KEYS = ("link_id", "generation")
_VALUES = tuple(f.name for f in fields(Settlement) if f.name not in _KEYS)
_JSON = frozenset({"desired", "observed", "foreign_set", "plan", "refused"})
_table = cast(sa.Table, Forwarding.__table__)


def settle(session: Session, rows: Sequence[Settlement]) -> set[UUID]:
    """Write the settlements and give the leases back; answers the links that were still ours."""
    if not rows:
        return set()
    if session.get_bind().dialect.name == "postgresql":
        return _settle_at_once(session, rows)
    return {row.link_id for row in rows if _settle_one(session, row)}


def doubt(session: Session, link_ids: Collection[UUID], at: datetime) -> None:
    """Have lines read and mended from `at` on: a write that was overtaken reached them after all.

    Whoever is at work on one may have looked before it came, and is overtaken in turn.
    """
    held = Forwarding.lease_until.is_not(None)
    sooner = sa.or_(Forwarding.due_at.is_(None), Forwarding.due_at > at)
    generation = Forwarding.generation + sa.case((held, 1), else_=0)
    for part in chunks(sorted(link_ids)):
        session.execute(
            sa.update(Forwarding)
            .where(Forwarding.link_id.in_(in_order(session, part)))
            .values(
                due_at=sa.case((sooner, at), else_=Forwarding.due_at),
                due_cause=sa.case((sooner, "repair"), else_=Forwarding.due_cause),
                asked_at=sa.case((sooner, at), else_=Forwarding.asked_at),
                generation=generation,
                # What is recorded is not what stands there: the next claim reads first.
                settled=sa.case(
                    (Forwarding.settled < generation - 1, Forwarding.settled),
                    else_=generation - 1,
                ),
                lease_until=None,
                lease_by=None,
            )
            .execution_options(synchronize_session=False)
        )


def _settle_one(session: Session, row: Settlement) -> bool:
    values = {name: getattr(row, name) for name in _VALUES}
    written: sa.CursorResult[Any] = session.execute(  # type: ignore[assignment]
        sa.update(_table)
        .where(_table.c.link_id == row.link_id, _table.c.generation == row.generation)
        .values(lease_until=None, lease_by=None, **values)
    )
    return written.rowcount == 1


def _statement() -> sa.TextClause:
    """One statement for any number of rows: they travel as a single JSON value."""
    kinds = {
        name: "jsonb"
        if name in _JSON
        else _table.c[name].type.compile(dialect=sa.dialects.postgresql.dialect())  # type: ignore[no-untyped-call]
        for name in (*_KEYS, *_VALUES)
    }
    columns = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
    changes = ", ".join(
        # A JSON null is how SQLAlchemy stores None in such a column; jsonb columns here keep
        # the same, so that both ways of writing read back alike.
        f'"{name}" = coalesce(new."{name}", \'null\'::jsonb)'
        if name in _JSON
        else f'"{name}" = new."{name}"'
        for name in _VALUES
    )
    return sa.text(
        # All rows are locked first, in the order of `in_order`, also those that are no longer ours.
        "WITH mine AS MATERIALIZED (SELECT link_id FROM gcal_forwarding WHERE link_id = "  # noqa: S608
        "ANY(CAST(:ids AS uuid[])) ORDER BY link_id FOR NO KEY UPDATE) "
        f"UPDATE gcal_forwarding AS old SET lease_until = NULL, lease_by = NULL, {changes} "
        f"FROM mine JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS new({columns}) "
        "USING (link_id) WHERE old.link_id = new.link_id AND old.generation = new.generation "
        "RETURNING old.link_id"
    )


_AT_ONCE: list[sa.TextClause] = []


def _settle_at_once(session: Session, rows: Sequence[Settlement]) -> set[UUID]:
    if not _AT_ONCE:
        _AT_ONCE.append(_statement())
    payload = json.dumps([asdict(row) for row in rows], default=_plain)
    ids = [str(row.link_id) for row in rows]
    found = session.execute(_AT_ONCE[0], {"rows": payload, "ids": ids})
    return {row if isinstance(row, UUID) else UUID(row) for row in found.scalars()}


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def add_ledger(session: Session, entries: Sequence[dict[str, Any]]) -> None:
    """Add one line a switch to the ledger."""
    if entries:
        session.execute(sa.insert(LedgerEntry), list(entries))
