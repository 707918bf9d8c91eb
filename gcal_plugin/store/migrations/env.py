"""Run by Alembic: the connection comes from `store.migrate`, never from a file of settings."""

from __future__ import annotations

from alembic import context

from gcal_plugin.store.migrate import options
from gcal_plugin.store.tables import Base

connection = context.config.attributes["connection"]
if connection is None:
    raise RuntimeError("run migrations with `flask gcal db upgrade`")
context.configure(connection=connection, target_metadata=Base.metadata, **options())
with context.begin_transaction():
    context.run_migrations()
