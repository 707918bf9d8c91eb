"""Links (a portal account's extension and its calendar) and what happened to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, Code, Counter, Id, Name
from .calendars import Calendar, Grant


class Link(Base):
    """One extension that may be, or is, driven by one calendar. One live link per extension."""

    __tablename__ = "gcal_link"
    __table_args__ = (
        sa.Index(
            "uq_gcal_link_line",
            "pbx",
            "domain",
            "extension",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index("ix_gcal_link_owner", "tenant_id", "account_id"),
        sa.Index("ix_gcal_link_calendar", "calendar_id"),
        sa.Index("ix_gcal_link_grant", "grant_id"),
        sa.Index(
            "ix_gcal_link_broken",
            "broken_at",
            sqlite_where=sa.text("broken_at IS NOT NULL"),
            postgresql_where=sa.text("broken_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_gcal_link_asked",
            "holder_asked_at",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index(
            "ix_gcal_link_lost",
            "holder_lost_at",
            sqlite_where=sa.text("holder_lost_at IS NOT NULL"),
            postgresql_where=sa.text("holder_lost_at IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Code]
    account_id: Mapped[Code]
    pbx: Mapped[Code]
    domain: Mapped[Name]
    extension: Mapped[str] = mapped_column(sa.String(16))
    state: Mapped[str] = mapped_column(sa.String(16), default="ready")
    """`domain.link_state.LinkState`."""
    version: Mapped[int] = mapped_column(default=1)
    """Counts changes of the row: two people clicking at once do not both win."""
    grant_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("gcal_grant.id"))
    calendar_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("gcal_calendar.id"))
    paused_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    """Set while paused with an end; a pause without one has only `paused_at`."""
    killed_at: Mapped[datetime | None]
    """The kill switch of this link; the tenant's is in `gcal_tenant_state`."""
    stale_choice: Mapped[str] = mapped_column(sa.String(16), default="keep")
    """Past the stale age: `keep` the plan, `stop` new forwards, or go to the `fallback` number."""
    fallback_number: Mapped[str | None] = mapped_column(sa.String(32))
    second_contact: Mapped[str | None] = mapped_column(sa.String(255))
    policy: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Differences of this link from its tenant's destination policy."""
    broken_at: Mapped[datetime | None]
    broken_reason: Mapped[str | None] = mapped_column(sa.String(64))
    """Since when, and why, this link cannot do its work (revoked, gone, unreadable)."""
    holder_asked_at: Mapped[datetime | None]
    """When the portal was last asked for the account."""
    holder_fault: Mapped[str | None] = mapped_column(sa.String(64))
    """`unknown_account` or `closed_account`, where it said so."""
    holder_lost_at: Mapped[datetime | None]
    """Since when we know."""
    created_at: Mapped[datetime]
    linked_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    """The grace date of a contract that was ended."""
    ended_at: Mapped[datetime | None]

    grant: Mapped[Grant | None] = relationship(lazy="raise_on_sql")
    calendar: Mapped[Calendar | None] = relationship(lazy="raise_on_sql")
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Activity(Base):
    """What happened to a link, in words for people; opaque ids and codes only."""

    __tablename__ = "gcal_activity"
    __table_args__ = (
        sa.Index("ix_gcal_activity_link", "link_id", "at"),
        sa.Index("ix_gcal_activity_at", "at"),
    )

    id: Mapped[Counter]
    link_id: Mapped[UUID] = mapped_column(sa.ForeignKey("gcal_link.id", ondelete="CASCADE"))
    tenant_id: Mapped[Code]
    at: Mapped[datetime]
    what: Mapped[Code]
    """A stable code: connected, calendar_chosen, forward_set, refused, revoked, ..."""
    actor: Mapped[Code]
    """`system`, or the kind and opaque id of the person: `customer:17`, `support:3`."""
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
