"""The request for the integration, its history, and the mails about it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Code, Counter, Id, Name


class Request(Base):
    """One extension's way from request to ready; the quote is part of it."""

    __tablename__ = "gcal_request"
    __table_args__ = (
        sa.Index("ix_gcal_request_tenant_state", "tenant_id", "state"),
        sa.Index("ix_gcal_request_owner", "tenant_id", "account_id"),
        sa.Index(
            "uq_gcal_request_open_line",
            "tenant_id",
            "domain",
            "extension",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    tenant_id: Mapped[Code]
    account_id: Mapped[Code]
    account_email: Mapped[Name]
    customer_code: Mapped[Code]
    customer_name: Mapped[Name]
    domain: Mapped[Name]
    extension: Mapped[str] = mapped_column(sa.String(16))
    remarks: Mapped[str] = mapped_column(sa.Text, default="")
    note: Mapped[str] = mapped_column(sa.Text, default="")
    """Support's note to the customer."""
    state: Mapped[str] = mapped_column(sa.String(16), default="requested")
    """`domain.request_state.RequestState`."""
    version: Mapped[int] = mapped_column(default=1)
    handler: Mapped[str | None] = mapped_column(sa.String(64))
    """The account id of the support person who took it over."""
    once_price: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    monthly_price: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    vat_percent: Mapped[Decimal | None] = mapped_column(sa.Numeric(5, 2))
    summary: Mapped[str] = mapped_column(sa.Text, default="")
    """The contract summary, in support's words."""
    rate_text: Mapped[str] = mapped_column(sa.Text, default="")
    valid_until: Mapped[datetime | None]
    quotes: Mapped[int] = mapped_column(default=0)
    """How many quotes were made; agreeing names the one that was read."""
    terms_version: Mapped[str | None] = mapped_column(sa.String(64))
    agreed_at: Mapped[datetime | None]
    link_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("gcal_link.id"))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    """The last step of its life: since when it waits. Notes and hand-overs leave it as it is."""
    ends_at: Mapped[datetime | None]
    """The grace date of a contract that was ended: until then everything goes on."""
    closed_at: Mapped[datetime | None]

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class RequestStep(Base):
    """One step in a request's life: who, when, why. Only ever inserted."""

    __tablename__ = "gcal_request_step"
    __table_args__ = (sa.Index("ix_gcal_request_step_request", "request_id", "id"),)

    id: Mapped[Counter]
    request_id: Mapped[UUID] = mapped_column(sa.ForeignKey("gcal_request.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    actor: Mapped[Code]
    action: Mapped[Code]
    state: Mapped[str] = mapped_column(sa.String(16))
    """The state after the step."""
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class PriceTemplate(Base):
    """A price that support picks when quoting; each tenant has its own."""

    __tablename__ = "gcal_price_template"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "name"),)

    id: Mapped[Id]
    tenant_id: Mapped[Code]
    name: Mapped[str] = mapped_column(sa.String(80))
    once_price: Mapped[Decimal] = mapped_column(sa.Numeric(10, 2))
    monthly_price: Mapped[Decimal] = mapped_column(sa.Numeric(10, 2))
    vat_percent: Mapped[Decimal] = mapped_column(sa.Numeric(5, 2))
    summary: Mapped[str] = mapped_column(sa.Text, default="")
    valid_days: Mapped[int] = mapped_column(default=30)


class MailOut(Base):
    """A letter to send, written in the transaction of what it tells: exactly once per `key`."""

    __tablename__ = "gcal_mail_out"
    __table_args__ = (
        sa.UniqueConstraint("key"),
        sa.Index("ix_gcal_mail_out_next", "state", "next_try_at"),
    )

    id: Mapped[Counter]
    key: Mapped[str] = mapped_column(sa.String(128))
    """Event and recipient, so that the same event never mails twice."""
    tenant_id: Mapped[Code]
    kind: Mapped[Code]
    locale: Mapped[str] = mapped_column(sa.String(8), default="nl")
    recipient: Mapped[Name]
    link_id: Mapped[UUID | None] = mapped_column(sa.Uuid())
    request_id: Mapped[UUID | None] = mapped_column(sa.Uuid())
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the template needs, as plain JSON."""
    state: Mapped[str] = mapped_column(sa.String(16), default="waiting")
    """`waiting`, `sending`, `sent`, `failed` or `cancelled`."""
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    next_try_at: Mapped[datetime | None]
    """When it may go out; while `sending`, until when the sender has it to itself."""
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(sa.String(255))
