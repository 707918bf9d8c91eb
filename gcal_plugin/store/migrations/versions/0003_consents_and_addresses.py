"""When a person last consented, and to which address a channel posts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "gcal_grant", sa.Column("consented_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("gcal_channel", sa.Column("address", sa.String(length=1024), nullable=True))


def downgrade() -> None:
    op.drop_column("gcal_channel", "address")
    op.drop_column("gcal_grant", "consented_at")
