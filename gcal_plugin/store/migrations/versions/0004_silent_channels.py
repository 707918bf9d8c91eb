"""Find channels of which nothing was ever heard, without looking at all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INDEX = "ix_gcal_channel_unheard"


def upgrade() -> None:
    # What was heard before was not noted. Those that are open count as heard, so that an upgrade
    # does not poll a whole fleet; each successor proves itself.
    op.execute("UPDATE gcal_channel SET last_message_at = created_at WHERE state = 'open'")
    unheard = sa.text("last_message_at IS NULL")
    op.create_index(
        INDEX, "gcal_channel", ["created_at"], sqlite_where=unheard, postgresql_where=unheard
    )


def downgrade() -> None:
    op.drop_index(INDEX, "gcal_channel")
