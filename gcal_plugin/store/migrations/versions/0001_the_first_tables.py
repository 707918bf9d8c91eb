"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gcal_audit",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column(
            "detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gcal_audit")),
    )
    with op.batch_alter_table("gcal_audit", schema=None) as batch_op:
        batch_op.create_index("ix_gcal_audit_tenant", ["tenant_id", "at"], unique=False)

    op.create_table(
        "gcal_blocked_number",
        sa.Column("value", sa.String(length=32), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("value", "tenant_id", name=op.f("pk_gcal_blocked_number")),
    )
    op.create_table(
        "gcal_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column(
            "scopes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("refresh_token", sa.Text(), nullable=True),
        sa.Column("token_prefix", sa.String(length=64), nullable=True),
        sa.Column("token_hash", sa.String(length=128), nullable=True),
        sa.Column("access_token", sa.Text(), nullable=True),
        sa.Column("access_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refresh_lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gcal_grant")),
        sa.UniqueConstraint("client_id", "subject", name=op.f("uq_gcal_grant_client_id_subject")),
    )
    with op.batch_alter_table("gcal_grant", schema=None) as batch_op:
        batch_op.create_index("ix_gcal_grant_token_hash", ["token_hash"], unique=False)
        batch_op.create_index("ix_gcal_grant_token_prefix", ["token_prefix"], unique=False)

    op.create_table(
        "gcal_lease",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=128), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_gcal_lease")),
    )
    op.create_table(
        "gcal_ledger",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("pbx", sa.String(length=64), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column(
            "destinations", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "event_ids", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconds_late", sa.Double(), nullable=True),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.String(length=255), nullable=True),
        sa.Column("policy_version", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gcal_ledger")),
    )
    with op.batch_alter_table("gcal_ledger", schema=None) as batch_op:
        batch_op.create_index("ix_gcal_ledger_due", ["due_at"], unique=False)
        batch_op.create_index("ix_gcal_ledger_link", ["link_id", "due_at"], unique=False)

    op.create_table(
        "gcal_leftover",
        sa.Column("pbx", sa.String(length=64), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("extension", sa.String(length=16), nullable=False),
        sa.Column(
            "destinations", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("pbx", "domain", "extension", name=op.f("pk_gcal_leftover")),
    )
    op.create_table(
        "gcal_mail_out",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("recipient", sa.String(length=255), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column(
            "values", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gcal_mail_out")),
        sa.UniqueConstraint("key", name=op.f("uq_gcal_mail_out_key")),
    )
    with op.batch_alter_table("gcal_mail_out", schema=None) as batch_op:
        batch_op.create_index("ix_gcal_mail_out_next", ["state", "next_try_at"], unique=False)

    op.create_table(
        "gcal_price_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("once_price", sa.Numeric(precision=10, scale=2), nullable=False),
        sa.Column("monthly_price", sa.Numeric(precision=10, scale=2), nullable=False),
        sa.Column("vat_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("valid_days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gcal_price_template")),
        sa.UniqueConstraint(
            "tenant_id", "name", name=op.f("uq_gcal_price_template_tenant_id_name")
        ),
    )
    op.create_table(
        "gcal_security_event",
        sa.Column("jti", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_gcal_security_event")),
    )
    op.create_table(
        "gcal_tally",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("pbx", sa.String(length=64), nullable=False),
        sa.Column(
            "counts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("total", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", "day", "tenant_id", "pbx", name=op.f("pk_gcal_tally")),
    )
    op.create_table(
        "gcal_tally_mark",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_gcal_tally_mark")),
    )
    op.create_table(
        "gcal_tenant_state",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("killed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("killed_by", sa.String(length=64), nullable=True),
        sa.Column(
            "policy", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_gcal_tenant_state")),
    )
    op.create_table(
        "gcal_calendar",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("google_id", sa.String(length=1024), nullable=False),
        sa.Column("name", sa.String(length=1024), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("access_role", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("sync_token", sa.Text(), nullable=True),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_sync_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("relist_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sync_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("push_state", sa.String(length=16), nullable=False),
        sa.Column("watch_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=255), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["gcal_grant.id"], name=op.f("fk_gcal_calendar_grant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gcal_calendar")),
        sa.UniqueConstraint(
            "grant_id", "google_id", name=op.f("uq_gcal_calendar_grant_id_google_id")
        ),
    )
    with op.batch_alter_table("gcal_calendar", schema=None) as batch_op:
        batch_op.create_index(
            "ix_gcal_calendar_dirty",
            ["next_sync_at"],
            unique=False,
            sqlite_where=sa.text("dirty"),
            postgresql_where=sa.text("dirty"),
        )
        batch_op.create_index(
            "ix_gcal_calendar_failing",
            ["id"],
            unique=False,
            sqlite_where=sa.text("failures > 0"),
            postgresql_where=sa.text("failures > 0"),
        )
        batch_op.create_index("ix_gcal_calendar_next_sync_at", ["next_sync_at"], unique=False)

    op.create_table(
        "gcal_channel",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("resource_id", sa.String(length=255), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("renew_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["gcal_calendar.id"],
            name=op.f("fk_gcal_channel_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gcal_channel")),
    )
    with op.batch_alter_table("gcal_channel", schema=None) as batch_op:
        batch_op.create_index("ix_gcal_channel_calendar", ["calendar_id"], unique=False)
        batch_op.create_index("ix_gcal_channel_renew", ["state", "renew_at"], unique=False)

    op.create_table(
        "gcal_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("pbx", sa.String(length=64), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("extension", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("calendar_id", sa.Uuid(), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("killed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stale_choice", sa.String(length=16), nullable=False),
        sa.Column("fallback_number", sa.String(length=32), nullable=True),
        sa.Column("second_contact", sa.String(length=255), nullable=True),
        sa.Column(
            "policy", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("broken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("broken_reason", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["gcal_calendar.id"], name=op.f("fk_gcal_link_calendar_id")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["gcal_grant.id"], name=op.f("fk_gcal_link_grant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gcal_link")),
    )
    with op.batch_alter_table("gcal_link", schema=None) as batch_op:
        batch_op.create_index(
            "ix_gcal_link_broken",
            ["broken_at"],
            unique=False,
            sqlite_where=sa.text("broken_at IS NOT NULL"),
            postgresql_where=sa.text("broken_at IS NOT NULL"),
        )
        batch_op.create_index("ix_gcal_link_calendar", ["calendar_id"], unique=False)
        batch_op.create_index("ix_gcal_link_grant", ["grant_id"], unique=False)
        batch_op.create_index("ix_gcal_link_owner", ["tenant_id", "account_id"], unique=False)
        batch_op.create_index(
            "uq_gcal_link_line",
            ["pbx", "domain", "extension"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "gcal_window",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.String(length=1024), nullable=False),
        sa.Column("series_id", sa.String(length=1024), nullable=True),
        sa.Column("original_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("all_day", sa.Boolean(), nullable=False),
        sa.Column("start_date", sa.String(length=10), nullable=True),
        sa.Column("end_date", sa.String(length=10), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("suggestion", sa.String(length=64), nullable=True),
        sa.Column("accepted_invitation", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["gcal_calendar.id"],
            name=op.f("fk_gcal_window_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gcal_window")),
    )
    with op.batch_alter_table("gcal_window", schema=None) as batch_op:
        batch_op.create_index(
            "ix_gcal_window_current",
            ["calendar_id", "end_at", "start_at"],
            unique=False,
            sqlite_where=sa.text("replaced_at IS NULL"),
            postgresql_where=sa.text("replaced_at IS NULL"),
        )
        batch_op.create_index("ix_gcal_window_end", ["end_at"], unique=False)
        batch_op.create_index("ix_gcal_window_history", ["calendar_id", "end_at"], unique=False)
        batch_op.create_index(
            "uq_gcal_window_event",
            ["calendar_id", "event_id"],
            unique=True,
            sqlite_where=sa.text("replaced_at IS NULL"),
            postgresql_where=sa.text("replaced_at IS NULL"),
        )

    op.create_table(
        "gcal_activity",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column(
            "detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["link_id"], ["gcal_link.id"], name=op.f("fk_gcal_activity_link_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gcal_activity")),
    )
    with op.batch_alter_table("gcal_activity", schema=None) as batch_op:
        batch_op.create_index("ix_gcal_activity_at", ["at"], unique=False)
        batch_op.create_index("ix_gcal_activity_link", ["link_id", "at"], unique=False)

    op.create_table(
        "gcal_attempt",
        sa.Column("state_digest", sa.String(length=64), nullable=False),
        sa.Column("session_digest", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("redirect_uri", sa.String(length=512), nullable=False),
        sa.Column("return_host", sa.String(length=255), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["link_id"], ["gcal_link.id"], name=op.f("fk_gcal_attempt_link_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("state_digest", name=op.f("pk_gcal_attempt")),
    )
    op.create_table(
        "gcal_consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("session_digest", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column(
            "scopes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("refresh_token", sa.Text(), nullable=False),
        sa.Column("access_token", sa.Text(), nullable=False),
        sa.Column("access_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["link_id"], ["gcal_link.id"], name=op.f("fk_gcal_consent_link_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gcal_consent")),
        sa.UniqueConstraint("link_id", name=op.f("uq_gcal_consent_link_id")),
    )
    op.create_table(
        "gcal_forwarding",
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("pbx", sa.String(length=64), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("extension", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_cause", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_by", sa.String(length=64), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column(
            "desired", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "observed", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
        ),
        sa.Column("observed_revision", sa.BigInteger(), nullable=True),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "foreign_set", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
        ),
        sa.Column("plan_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("plan", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("trial_value", sa.String(length=32), nullable=True),
        sa.Column("trial_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reasserted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=255), nullable=True),
        sa.Column(
            "refused", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "wanted", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "in_ring", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("quarantined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changes_day", sa.String(length=10), nullable=True),
        sa.Column("changes_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["link_id"],
            ["gcal_link.id"],
            name=op.f("fk_gcal_forwarding_link_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_gcal_forwarding")),
    )
    with op.batch_alter_table("gcal_forwarding", schema=None) as batch_op:
        batch_op.create_index(
            "ix_gcal_forwarding_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_gcal_forwarding_line", ["pbx", "domain", "extension"], unique=False
        )
        batch_op.create_index(
            "ix_gcal_forwarding_wrong",
            ["link_id"],
            unique=False,
            sqlite_where=sa.text("last_error IS NOT NULL OR contested_at IS NOT NULL"),
            postgresql_where=sa.text("last_error IS NOT NULL OR contested_at IS NOT NULL"),
        )

    op.create_table(
        "gcal_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("account_email", sa.String(length=255), nullable=False),
        sa.Column("customer_code", sa.String(length=64), nullable=False),
        sa.Column("customer_name", sa.String(length=255), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("extension", sa.String(length=16), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("handler", sa.String(length=64), nullable=True),
        sa.Column("once_price", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("monthly_price", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("vat_percent", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("rate_text", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quotes", sa.Integer(), nullable=False),
        sa.Column("terms_version", sa.String(length=64), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["link_id"], ["gcal_link.id"], name=op.f("fk_gcal_request_link_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gcal_request")),
    )
    with op.batch_alter_table("gcal_request", schema=None) as batch_op:
        batch_op.create_index("ix_gcal_request_owner", ["tenant_id", "account_id"], unique=False)
        batch_op.create_index("ix_gcal_request_tenant_state", ["tenant_id", "state"], unique=False)
        batch_op.create_index(
            "uq_gcal_request_open_line",
            ["tenant_id", "domain", "extension"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "gcal_request_step",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column(
            "detail", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["gcal_request.id"],
            name=op.f("fk_gcal_request_step_request_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gcal_request_step")),
    )
    with op.batch_alter_table("gcal_request_step", schema=None) as batch_op:
        batch_op.create_index("ix_gcal_request_step_request", ["request_id", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("gcal_request_step", schema=None) as batch_op:
        batch_op.drop_index("ix_gcal_request_step_request")

    op.drop_table("gcal_request_step")
    with op.batch_alter_table("gcal_request", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_gcal_request_open_line",
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.drop_index("ix_gcal_request_tenant_state")
        batch_op.drop_index("ix_gcal_request_owner")

    op.drop_table("gcal_request")
    with op.batch_alter_table("gcal_forwarding", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_gcal_forwarding_wrong",
            sqlite_where=sa.text("last_error IS NOT NULL OR contested_at IS NOT NULL"),
            postgresql_where=sa.text("last_error IS NOT NULL OR contested_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_gcal_forwarding_line")
        batch_op.drop_index(
            "ix_gcal_forwarding_due",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )

    op.drop_table("gcal_forwarding")
    op.drop_table("gcal_consent")
    op.drop_table("gcal_attempt")
    with op.batch_alter_table("gcal_activity", schema=None) as batch_op:
        batch_op.drop_index("ix_gcal_activity_link")
        batch_op.drop_index("ix_gcal_activity_at")

    op.drop_table("gcal_activity")
    with op.batch_alter_table("gcal_window", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_gcal_window_event",
            sqlite_where=sa.text("replaced_at IS NULL"),
            postgresql_where=sa.text("replaced_at IS NULL"),
        )
        batch_op.drop_index("ix_gcal_window_history")
        batch_op.drop_index("ix_gcal_window_end")
        batch_op.drop_index(
            "ix_gcal_window_current",
            sqlite_where=sa.text("replaced_at IS NULL"),
            postgresql_where=sa.text("replaced_at IS NULL"),
        )

    op.drop_table("gcal_window")
    with op.batch_alter_table("gcal_link", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_gcal_link_line",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index("ix_gcal_link_owner")
        batch_op.drop_index("ix_gcal_link_grant")
        batch_op.drop_index("ix_gcal_link_calendar")
        batch_op.drop_index(
            "ix_gcal_link_broken",
            sqlite_where=sa.text("broken_at IS NOT NULL"),
            postgresql_where=sa.text("broken_at IS NOT NULL"),
        )

    op.drop_table("gcal_link")
    with op.batch_alter_table("gcal_channel", schema=None) as batch_op:
        batch_op.drop_index("ix_gcal_channel_renew")
        batch_op.drop_index("ix_gcal_channel_calendar")

    op.drop_table("gcal_channel")
    with op.batch_alter_table("gcal_calendar", schema=None) as batch_op:
        batch_op.drop_index("ix_gcal_calendar_next_sync_at")
        batch_op.drop_index(
            "ix_gcal_calendar_failing",
            sqlite_where=sa.text("failures > 0"),
            postgresql_where=sa.text("failures > 0"),
        )
        batch_op.drop_index(
            "ix_gcal_calendar_dirty",
            sqlite_where=sa.text("dirty"),
            postgresql_where=sa.text("dirty"),
        )

    op.drop_table("gcal_calendar")
    op.drop_table("gcal_tenant_state")
    op.drop_table("gcal_tally_mark")
    op.drop_table("gcal_tally")
    op.drop_table("gcal_security_event")
    op.drop_table("gcal_price_template")
    with op.batch_alter_table("gcal_mail_out", schema=None) as batch_op:
        batch_op.drop_index("ix_gcal_mail_out_next")

    op.drop_table("gcal_mail_out")
    op.drop_table("gcal_leftover")
    with op.batch_alter_table("gcal_ledger", schema=None) as batch_op:
        batch_op.drop_index("ix_gcal_ledger_link")
        batch_op.drop_index("ix_gcal_ledger_due")

    op.drop_table("gcal_ledger")
    op.drop_table("gcal_lease")
    with op.batch_alter_table("gcal_grant", schema=None) as batch_op:
        batch_op.drop_index("ix_gcal_grant_token_prefix")
        batch_op.drop_index("ix_gcal_grant_token_hash")

    op.drop_table("gcal_grant")
    op.drop_table("gcal_blocked_number")
    with op.batch_alter_table("gcal_audit", schema=None) as batch_op:
        batch_op.drop_index("ix_gcal_audit_tenant")

    op.drop_table("gcal_audit")
