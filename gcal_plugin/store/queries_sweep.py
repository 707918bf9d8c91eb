"""What the sweep compares: our records of one exchange's lines, and where a set came from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from .queries_switching import Pairs, chunks, in_order
from .tables import Activity, Forwarding, LedgerEntry, Link, WindowRow

RESTORED = "restored"
"""How the ledger's detail begins where a write put the customer's own forward back."""


@dataclass(frozen=True, slots=True)
class Record:
    """A line that nobody is at work on, as our records have it."""

    link_id: UUID
    tenant_id: str
    domain: str
    extension: str
    calendar_id: UUID | None
    generation: int
    revision: int
    desired: Pairs
    observed: Pairs | None
    observed_revision: int | None
    foreign_set: Pairs | None
    due_at: datetime | None
    plan: list[list[Any]] | None
    reasserted_at: datetime | None
    contested_at: datetime | None
    observed_at: datetime | None

    @property
    def holds(self) -> bool:
        """Whether it holds something by our records, was asked to, or was never read."""
        return self.observed != [] or bool(self.desired) or bool(self.plan)


def records(session: Session, pbx: str) -> list[Record]:
    """The lines of an exchange that hold something by our records, or were never read.

    Only those whose outcome is known and that nobody is at work on. A line that is empty by our
    records is of interest only where the exchange says otherwise: `records_of`.
    """
    return _records(
        session,
        pbx,
        sa.or_(
            as_text(Forwarding.observed) != "[]",
            as_text(Forwarding.desired) != "[]",
            as_text(Forwarding.plan).not_in(("null", "[]")),
        ),
    )


def every_record(session: Session, pbx: str) -> list[Record]:
    """All lines of an exchange whose outcome is known and that nobody is at work on."""
    return _records(session, pbx, sa.true())


def records_of(session: Session, pbx: str, lines: Collection[tuple[str, str]]) -> list[Record]:
    """The records of these lines, each a domain and an extension."""
    found: list[Record] = []
    line = sa.tuple_(Forwarding.domain, Forwarding.extension)
    for part in chunks(sorted(lines)):
        found += _records(session, pbx, line.in_(part))
    return found


def as_text(column: sa.ColumnElement[Any] | InstrumentedAttribute[Any]) -> sa.ColumnElement[str]:
    """A JSON column as text, with `null` where there is nothing at all."""
    return sa.func.coalesce(sa.cast(column, sa.Text), "null")


def _records(session: Session, pbx: str, which: sa.ColumnElement[bool]) -> list[Record]:
    columns = [
        Link.calendar_id if name == "calendar_id" else getattr(Forwarding, name)
        for name in Record.__dataclass_fields__
    ]
    rows = session.execute(
        sa.select(*columns)
        .join(Link, Link.id == Forwarding.link_id)
        .where(
            Forwarding.pbx == pbx,
            Forwarding.lease_until.is_(None),
            Forwarding.settled == Forwarding.generation,
            which,
        )
    )
    return [Record(*row) for row in rows]


def note_held(
    session: Session,
    record: Record,
    *,
    revision: int,
    at: datetime,
    **changes: object,
) -> bool:
    """Write what the exchange holds, unless somebody took the line over; answers whether it did.

    `changes` are the other columns, `observed` among them.
    """
    written: sa.CursorResult[object] = session.execute(  # type: ignore[assignment]
        sa.update(Forwarding)
        .where(
            Forwarding.link_id.in_(in_order(session, [record.link_id], skip=True)),
            Forwarding.generation == record.generation,
            Forwarding.lease_until.is_(None),
        )
        .values(
            observed_revision=revision,
            observed_at=at,
            revision=sa.case((Forwarding.revision < revision, revision), else_=Forwarding.revision),
            **changes,
        )
        .execution_options(synchronize_session=False)
    )
    return written.rowcount == 1


def confirm(session: Session, link_ids: Sequence[UUID], at: datetime) -> None:
    """Note that these lines were read and hold what our records say."""
    session.execute(
        sa.update(Forwarding)
        .where(Forwarding.link_id.in_(in_order(session, link_ids, skip=True)))
        .values(observed_at=at)
        .execution_options(synchronize_session=False)
    )


def unverified(
    session: Session, pbx: str, *, since: datetime, asked: datetime
) -> list[tuple[int, UUID]]:
    """The switches of late that were not read back yet, each its ledger id and its link's.

    Only those that were answered before `asked`, of lines that nobody is at work on: a reading that
    begins then shows what came of them.
    """
    rows = session.execute(
        sa.select(LedgerEntry.id, LedgerEntry.link_id)
        .join(Forwarding, Forwarding.link_id == LedgerEntry.link_id)
        .where(
            LedgerEntry.pbx == pbx,
            LedgerEntry.due_at >= since,
            LedgerEntry.read_back_at.is_(None),
            LedgerEntry.answered_at < asked,
            LedgerEntry.outcome == "done",
            Forwarding.lease_until.is_(None),
            Forwarding.settled == Forwarding.generation,
        )
    )
    return [(entry_id, link_id) for entry_id, link_id in rows]


def read_back(session: Session, entry_ids: Collection[int], at: datetime) -> None:
    """Note in the ledger that these switches were found on the exchange."""
    for part in chunks(entry_ids):
        session.execute(
            sa.update(LedgerEntry)
            .where(LedgerEntry.id.in_(part))
            .values(read_back_at=at)
            .execution_options(synchronize_session=False)
        )


def was_ours(
    session: Session,
    record: Record,
    held: Pairs,
    revision: int,
    now: datetime,
    days: int,
    *,
    restored: bool,
) -> bool:
    """Whether a set that stands on a line at `revision` came from us, by a write that came late.

    Asked for the few lines that differ. A set that we once asked for is ours, unless it was refused
    or the switch after it was read back: whoever forwards to the same number by hand later on means
    it. Where the database may have been `restored`, the ledger may have forgotten a switch, while
    the calendar, which is fetched again, still knows an appointment with the number that began
    since the last switch we know of, and that we would have followed.
    """
    entries = session.execute(
        sa.select(LedgerEntry.destinations, LedgerEntry.due_at, LedgerEntry.read_back_at)
        .where(
            LedgerEntry.link_id == record.link_id,
            LedgerEntry.due_at >= now - timedelta(days=days),
            LedgerEntry.outcome.not_in(("refused", "nothing")),
            sa.func.coalesce(LedgerEntry.detail, "").not_like(f"{RESTORED}%"),
        )
        .order_by(LedgerEntry.id.desc())
    ).all()
    certain = bool(entries) and entries[0].read_back_at is not None
    if not certain and any(entry.destinations == held for entry in entries):
        return True
    values = {value for _, value in held}
    if not restored or record.calendar_id is None or not values or 0 < revision <= record.revision:
        return False
    since = [WindowRow.start_at > entries[0].due_at] if entries else []
    known = session.scalars(
        sa.select(WindowRow.value)
        .join(Link, Link.id == record.link_id)
        .where(
            WindowRow.calendar_id == record.calendar_id,
            WindowRow.value.in_(values),
            WindowRow.reason.is_(None),
            WindowRow.start_at <= now,
            WindowRow.start_at >= Link.linked_at,
            *(
                sa.or_(instant.is_(None), instant > WindowRow.start_at)
                for instant in (Link.killed_at, Link.ended_at, Link.paused_at)
            ),
            *since,
        )
        .distinct()
    )
    return values <= set(known)


def tell(session: Session, record: Record, what: str, at: datetime) -> None:
    """Add a line of activity about a change that somebody made by hand."""
    session.add(
        Activity(
            link_id=record.link_id,
            tenant_id=record.tenant_id,
            at=at,
            what=what,
            actor="system",
            detail={},
        )
    )
