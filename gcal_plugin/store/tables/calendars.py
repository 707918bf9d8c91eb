"""Grants, calendars, their windows, and what Google sends about them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..types import Json
from .base import Base, Code, Counter, Id, Name


class Grant(Base):
    """One consent of one Google user (`sub`) to one OAuth client, shared by its links."""

    __tablename__ = "gcal_grant"
    __table_args__ = (
        sa.UniqueConstraint("client_id", "subject"),
        sa.Index("ix_gcal_grant_token_prefix", "token_prefix"),
        sa.Index("ix_gcal_grant_token_hash", "token_hash"),
    )

    id: Mapped[Id]
    client_id: Mapped[Name]
    subject: Mapped[Name]
    email: Mapped[Name]
    scopes: Mapped[list[str]] = mapped_column(Json, default=list)
    state: Mapped[str] = mapped_column(sa.String(16), default="live")
    """`live`, or `revoked`: withdrawn, or its account disabled, which ends its tokens for good."""
    refresh_token: Mapped[str | None] = mapped_column(sa.Text)
    """Sealed; emptied when the grant ends."""
    token_prefix: Mapped[str | None] = mapped_column(sa.String(64))
    """Keyed digest of the refresh token's first 16 characters: RISC names a token by them."""
    token_hash: Mapped[str | None] = mapped_column(sa.String(128))
    """base64(sha512(sha512(refresh token))): RISC's other way to name a token."""
    access_token: Mapped[str | None] = mapped_column(sa.Text)
    """Sealed."""
    access_expires_at: Mapped[datetime | None]
    refresh_lease_until: Mapped[datetime | None]
    """One refresh at a time, across processes."""
    created_at: Mapped[datetime]
    consented_at: Mapped[datetime | None]
    """The latest consent; empty where nobody consented again since this column came."""
    checked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Calendar(Base):
    """A calendar that at least one link follows, and how far we have read it."""

    __tablename__ = "gcal_calendar"
    __table_args__ = (
        sa.UniqueConstraint("grant_id", "google_id"),
        sa.Index("ix_gcal_calendar_next_sync_at", "next_sync_at"),
        sa.Index(
            "ix_gcal_calendar_failing",
            "id",
            sqlite_where=sa.text("failures > 0"),
            postgresql_where=sa.text("failures > 0"),
        ),
        sa.Index(
            "ix_gcal_calendar_dirty",
            "next_sync_at",
            sqlite_where=sa.text("dirty"),
            postgresql_where=sa.text("dirty"),
        ),
    )

    id: Mapped[Id]
    grant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("gcal_grant.id"))
    google_id: Mapped[str] = mapped_column(sa.String(1024))
    name: Mapped[str] = mapped_column(sa.String(1024), default="")
    time_zone: Mapped[Code] = mapped_column(default="UTC")
    access_role: Mapped[str] = mapped_column(sa.String(32), default="owner")
    owner: Mapped[Name] = mapped_column(default="")
    """The owner's address where the calendar is somebody else's."""
    sync_token: Mapped[str | None] = mapped_column(sa.Text)
    synced_at: Mapped[datetime | None]
    """The last successful fetch; staleness counts from it."""
    next_sync_at: Mapped[datetime | None]
    """When the clock asks for a fetch; now where something says that there is a change."""
    relist_at: Mapped[datetime | None]
    """When the whole window is listed again, so that the horizon rolls."""
    listed_until: Mapped[datetime | None]
    """How far the stored windows reach."""
    generation: Mapped[int] = mapped_column(default=0)
    """Fences a sync that was overtaken: it records nothing when the number has moved on."""
    lease_until: Mapped[datetime | None]
    sync_started_at: Mapped[datetime | None]
    dirty: Mapped[bool] = mapped_column(default=False)
    """A notification arrived while a sync was running: run once more."""
    push_state: Mapped[str] = mapped_column(sa.String(16), default="none")
    """`none`, `open`, `silent` (a channel is open and nothing was ever heard on it: polled) or
    `unsupported`."""
    watch_at: Mapped[datetime | None]
    """Not before this is a push channel asked for again, after an attempt that failed."""
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(sa.String(255))
    gone_at: Mapped[datetime | None]

    grant: Mapped[Grant] = relationship(lazy="raise_on_sql")


class WindowRow(Base):
    """One event instance as we last read it; replaced versions stay for the history.

    Never a title: only the recognised destination, or the reason why there is none.
    """

    __tablename__ = "gcal_window"
    __table_args__ = (
        sa.Index(
            "uq_gcal_window_event",
            "calendar_id",
            "event_id",
            unique=True,
            sqlite_where=sa.text("replaced_at IS NULL"),
            postgresql_where=sa.text("replaced_at IS NULL"),
        ),
        sa.Index(
            "ix_gcal_window_current",
            "calendar_id",
            "end_at",
            "start_at",
            sqlite_where=sa.text("replaced_at IS NULL"),
            postgresql_where=sa.text("replaced_at IS NULL"),
        ),
        sa.Index("ix_gcal_window_history", "calendar_id", "end_at"),
        sa.Index("ix_gcal_window_end", "end_at"),
    )

    id: Mapped[Counter]
    calendar_id: Mapped[UUID] = mapped_column(sa.ForeignKey("gcal_calendar.id", ondelete="CASCADE"))
    event_id: Mapped[str] = mapped_column(sa.String(1024))
    """Google's id of the instance."""
    series_id: Mapped[str | None] = mapped_column(sa.String(1024))
    original_start: Mapped[datetime | None]
    start_at: Mapped[datetime]
    end_at: Mapped[datetime]
    all_day: Mapped[bool] = mapped_column(default=False)
    start_date: Mapped[str | None] = mapped_column(sa.String(10))
    end_date: Mapped[str | None] = mapped_column(sa.String(10))
    """The dates of an all-day event, so that a new calendar zone moves it without a fetch."""
    kind: Mapped[str] = mapped_column(sa.String(16))
    """`number`, `extension` or `none` (`domain.destination.Kind`)."""
    value: Mapped[str | None] = mapped_column(sa.String(32))
    reason: Mapped[str | None] = mapped_column(sa.String(32))
    suggestion: Mapped[str | None] = mapped_column(sa.String(64))
    accepted_invitation: Mapped[bool] = mapped_column(default=False)
    """Somebody else organises it and the owner accepted: it counts by the tenant's choice."""
    received_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]


class Channel(Base):
    """A push channel, stored before Google is asked to open it."""

    __tablename__ = "gcal_channel"
    __table_args__ = (
        sa.Index("ix_gcal_channel_calendar", "calendar_id"),
        sa.Index("ix_gcal_channel_renew", "state", "renew_at"),
        sa.Index(
            "ix_gcal_channel_unheard",
            "created_at",
            sqlite_where=sa.text("last_message_at IS NULL"),
            postgresql_where=sa.text("last_message_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    calendar_id: Mapped[UUID] = mapped_column(sa.ForeignKey("gcal_calendar.id", ondelete="CASCADE"))
    token_digest: Mapped[str] = mapped_column(sa.String(64))
    """sha256 of the channel's token; compared in constant time."""
    resource_id: Mapped[str | None] = mapped_column(sa.String(255))
    address: Mapped[str | None] = mapped_column(sa.String(1024))
    """Where Google posts its messages; empty for one opened before this column came."""
    state: Mapped[str] = mapped_column(sa.String(16), default="opening")
    """`opening`, `open`, `stopping` or `closed`."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    renew_at: Mapped[datetime | None]
    last_message_at: Mapped[datetime | None]
    """When something was last heard on it, to the day; a message more is not worth a write."""


class Attempt(Base):
    """A person who went to Google to consent: consumed once, by the same person, soon."""

    __tablename__ = "gcal_attempt"

    state_digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    session_digest: Mapped[str] = mapped_column(sa.String(64))
    tenant_id: Mapped[Code]
    account_id: Mapped[Code]
    link_id: Mapped[UUID] = mapped_column(sa.ForeignKey("gcal_link.id", ondelete="CASCADE"))
    client_id: Mapped[Name]
    redirect_uri: Mapped[str] = mapped_column(sa.String(512))
    return_host: Mapped[Name] = mapped_column(default="")
    """Where the person began, when the callback's host is another."""
    secrets: Mapped[str] = mapped_column(sa.Text)
    """Sealed: code verifier and nonce."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Consent(Base):
    """A finished consent that its owner has not confirmed yet: address seen, calendar to choose.

    Nothing of the link changes before that. It goes away when confirmed, refused or too old.
    """

    __tablename__ = "gcal_consent"

    id: Mapped[Id]
    link_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("gcal_link.id", ondelete="CASCADE"), unique=True
    )
    account_id: Mapped[Code]
    session_digest: Mapped[str] = mapped_column(sa.String(64))
    client_id: Mapped[Name]
    subject: Mapped[Name]
    email: Mapped[Name]
    scopes: Mapped[list[str]] = mapped_column(Json, default=list)
    refresh_token: Mapped[str] = mapped_column(sa.Text)
    """Sealed."""
    access_token: Mapped[str] = mapped_column(sa.Text)
    """Sealed."""
    access_expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SecurityEvent(Base):
    """A Security Event Token that we have acted on: its `jti`, so that it works once."""

    __tablename__ = "gcal_security_event"

    jti: Mapped[str] = mapped_column(sa.String(255), primary_key=True)
    kind: Mapped[Code]
    received_at: Mapped[datetime]
    outcome: Mapped[Code]
