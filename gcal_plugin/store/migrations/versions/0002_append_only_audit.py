"""The audit log can only be added to."""

from __future__ import annotations

from alembic import op

from gcal_plugin.store.append_only import statements, undo

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    for statement in statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    connection = op.get_bind()
    for statement in undo(connection.dialect.name):
        connection.exec_driver_sql(statement)
