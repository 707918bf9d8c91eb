"""Switches counted by how long they took, so that nobody has to read millions of rows for it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ..types import Json
from .base import Base, Code


class Tally(Base):
    """One histogram (`domain.buckets`) of one day, tenant and exchange."""

    __tablename__ = "gcal_tally"

    name: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    """`late` (seconds after the edge) or `push` (seconds until the exchange answered)."""
    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    """ISO date in UTC; empty for "ever", which only grows, as Prometheus wants it."""
    tenant_id: Mapped[Code] = mapped_column(primary_key=True)
    pbx: Mapped[Code] = mapped_column(primary_key=True)
    counts: Mapped[list[int]] = mapped_column(Json)
    total: Mapped[float]
    """The seconds added up."""


class TallyMark(Base):
    """How far the ledger has been counted."""

    __tablename__ = "gcal_tally_mark"

    name: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    counted: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """The last entry that is in the tallies."""
    seen: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """The newest entry when we last looked. Counting stops there: a transaction that drew a lower
    number and commits a moment later is not passed over."""
