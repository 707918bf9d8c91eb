"""Kill switches, numbers that asked to be left alone, and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ..append_only import guard_new_table
from .base import Base, Code, Counter


class TenantState(Base):
    """What operators and support set for a whole tenant."""

    __tablename__ = "gcal_tenant_state"

    tenant_id: Mapped[Code] = mapped_column(primary_key=True)
    killed_at: Mapped[datetime | None]
    killed_by: Mapped[str | None] = mapped_column(sa.String(64))
    policy: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Differences from the portal's policy for this tenant, set at the desk."""


class BlockedNumber(Base):
    """A number whose owner asked not to be forwarded to."""

    __tablename__ = "gcal_blocked_number"

    value: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    """E.164."""
    tenant_id: Mapped[str] = mapped_column(sa.String(64), primary_key=True, default="")
    """Whose lines may not reach it; empty where an operator blocked it for every tenant."""
    at: Mapped[datetime]
    by: Mapped[Code]
    note: Mapped[str] = mapped_column(sa.String(255), default="")


class Audit(Base):
    """Who did what. Only ever inserted; opaque ids only, so that erasing never touches it."""

    __tablename__ = "gcal_audit"
    __table_args__ = (sa.Index("ix_gcal_audit_tenant", "tenant_id", "at"),)

    id: Mapped[Counter]
    at: Mapped[datetime]
    tenant_id: Mapped[Code]
    actor: Mapped[Code]
    """`system`, or kind and opaque id: `customer:17`, `support:3`, `operator:1`."""
    action: Mapped[Code]
    subject: Mapped[str] = mapped_column(sa.String(128))
    """Kind and opaque id of what was acted on: `link:018f...`."""
    request_id: Mapped[str] = mapped_column(sa.String(64), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


sa.event.listen(Audit.__table__, "after_create", guard_new_table)
