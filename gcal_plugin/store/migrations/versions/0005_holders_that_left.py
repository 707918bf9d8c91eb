"""What the portal said of the account of a link, and when it was last asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "gcal_link", sa.Column("holder_asked_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("gcal_link", sa.Column("holder_fault", sa.String(length=64), nullable=True))
    op.add_column(
        "gcal_link", sa.Column("holder_lost_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        "ix_gcal_link_asked",
        "gcal_link",
        ["holder_asked_at"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_gcal_link_lost",
        "gcal_link",
        ["holder_lost_at"],
        sqlite_where=sa.text("holder_lost_at IS NOT NULL"),
        postgresql_where=sa.text("holder_lost_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_gcal_link_lost", table_name="gcal_link")
    op.drop_index("ix_gcal_link_asked", table_name="gcal_link")
    op.drop_column("gcal_link", "holder_lost_at")
    op.drop_column("gcal_link", "holder_fault")
    op.drop_column("gcal_link", "holder_asked_at")
