"""What each extension should have, what its exchange holds, and the ledger of each switch."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ..types import Json
from .base import Base, Code, Counter, Name


class Forwarding(Base):
    """The applied state of one link's line. Claimed by lease and generation, never locked."""

    __tablename__ = "gcal_forwarding"
    __table_args__ = (
        sa.Index(
            "ix_gcal_forwarding_due",
            "due_at",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        ),
        sa.Index("ix_gcal_forwarding_line", "pbx", "domain", "extension"),
        sa.Index(
            "ix_gcal_forwarding_wrong",
            "link_id",
            sqlite_where=sa.text("last_error IS NOT NULL OR contested_at IS NOT NULL"),
            postgresql_where=sa.text("last_error IS NOT NULL OR contested_at IS NOT NULL"),
        ),
    )

    link_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("gcal_link.id", ondelete="CASCADE"), primary_key=True
    )
    tenant_id: Mapped[Code]
    pbx: Mapped[Code]
    domain: Mapped[Name]
    extension: Mapped[str] = mapped_column(sa.String(16))
    due_at: Mapped[datetime | None]
    """The next instant at which this line wants attention: an edge, a change, a retry."""
    due_cause: Mapped[Code] = mapped_column(default="edge")
    """Why: `edge`, `change`, `repair`, `pause`, `disconnect`, `kill`, `trial`, ..."""
    asked_at: Mapped[datetime | None]
    """The edge or the change that is still to be carried out; a retry is late from here."""
    generation: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """Grows with each claim; a result is recorded only where it still matches."""
    settled: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """The newest generation whose outcome is known. One behind: a write may or may not have landed,
    so `observed` is not to be trusted."""
    lease_until: Mapped[datetime | None]
    lease_by: Mapped[str | None] = mapped_column(sa.String(64))
    revision: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """The newest revision that we asked for, or learned that the exchange holds."""
    desired: Mapped[list[Any]] = mapped_column(Json, default=list)
    """The set last asked for, as [[kind, value], ...] in canonical order."""
    wanted: Mapped[list[Any]] = mapped_column(Json, default=list)
    """On exchanges that chain forwards: what the line wants, before rings are refused."""
    in_ring: Mapped[list[Any]] = mapped_column(Json, default=list)
    """What of that is refused, since calls would go round."""
    observed: Mapped[list[Any] | None] = mapped_column(Json)
    """The set that the exchange last said it holds; None before it was ever read."""
    observed_revision: Mapped[int | None] = mapped_column(sa.BigInteger)
    observed_at: Mapped[datetime | None]
    foreign_set: Mapped[list[Any] | None] = mapped_column(Json)
    """A forward that stood there before us, kept so that we never clear what we did not set."""
    plan_until: Mapped[datetime | None]
    """How far the plan on the exchange reaches, where it holds one."""
    plan: Mapped[list[Any] | None] = mapped_column(Json)
    """That plan, as [[start, end, kind, value], ...] in unix seconds."""
    trial_value: Mapped[str | None] = mapped_column(sa.String(32))
    trial_until: Mapped[datetime | None]
    """A trial forward that somebody asked for on the page, and when it ends by itself."""
    reasserted_at: Mapped[datetime | None]
    """When we last put our set back over somebody's change by hand."""
    contested_at: Mapped[datetime | None]
    """Since when a change by hand is left standing: it came back after we had put ours."""
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(sa.String(255))
    refused: Mapped[list[Any]] = mapped_column(Json, default=list)
    """Destinations that did not go along, as [[kind, value, reason], ...]."""
    quarantined_at: Mapped[datetime | None]
    changes_day: Mapped[str | None] = mapped_column(sa.String(10))
    changes_count: Mapped[int] = mapped_column(default=0)


class LedgerEntry(Base):
    """One switch: what was asked and why, when it went out, what came back, how late it was."""

    __tablename__ = "gcal_ledger"
    __table_args__ = (
        sa.Index("ix_gcal_ledger_link", "link_id", "due_at"),
        sa.Index("ix_gcal_ledger_due", "due_at"),
    )

    id: Mapped[Counter]
    link_id: Mapped[UUID] = mapped_column(sa.Uuid())
    tenant_id: Mapped[Code]
    pbx: Mapped[Code]
    due_at: Mapped[datetime]
    """The instant of the edge, or of the change that asked for it."""
    cause: Mapped[Code]
    """`edge`, `change`, `repair`, `pause`, `disconnect`, `kill`, `trial`, ..."""
    revision: Mapped[int] = mapped_column(sa.BigInteger)
    destinations: Mapped[list[Any]] = mapped_column(Json, default=list)
    event_ids: Mapped[list[Any]] = mapped_column(Json, default=list)
    sent_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    read_back_at: Mapped[datetime | None]
    seconds_late: Mapped[float | None]
    outcome: Mapped[Code]
    """`done`, `nothing`, `refused`, `temporary`, `mismatch`, `stale`."""
    detail: Mapped[str | None] = mapped_column(sa.String(255))
    policy_version: Mapped[str] = mapped_column(sa.String(16), default="")


class Leftover(Base):
    """A line that one of our forwards may still stand on after its link moved away."""

    __tablename__ = "gcal_leftover"

    pbx: Mapped[Code] = mapped_column(primary_key=True)
    domain: Mapped[Name] = mapped_column(primary_key=True)
    extension: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    destinations: Mapped[list[Any]] = mapped_column(Json, default=list)
    """What of ours may ring there, as [[kind, value], ...]; a set with anything else stays."""
    since: Mapped[datetime]


class Lease(Base):
    """A named lease with its heartbeat: one clock leads, the others wait."""

    __tablename__ = "gcal_lease"

    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(sa.String(128))
    until: Mapped[datetime]
    beat_at: Mapped[datetime]
