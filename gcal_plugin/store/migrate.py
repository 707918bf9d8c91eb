"""The plugin's own migrations, beside and apart from the host's.

They have their own version table, so that the host's history never mixes with ours. Runs under a
lock on Postgres: two processes that start together upgrade once.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from .types import Instant

VERSION_TABLE = "gcal_alembic_version"
_LOCK = 0x6763616C
"""Postgres' advisory lock for migrations: "gcal" in ASCII."""


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files(__package__) / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: sa.Engine, revision: str = "head") -> str | None:
    """Bring the plugin's tables up to `revision`; answers the revision now held."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        command.upgrade(_config(connection), revision)
    return current(engine)


def downgrade(engine: sa.Engine, revision: str) -> str | None:
    """Take the plugin's tables back to `revision` ("base" removes them)."""
    with engine.begin() as connection:
        command.downgrade(_config(connection), revision)
    return current(engine)


def current(engine: sa.Engine) -> str | None:
    """The revision that the database holds; None before the first upgrade."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()


def head() -> str | None:
    """The newest revision that this version ships."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def include_object(
    _object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any
) -> bool:
    """For the host's own Alembic `env.py`: leaves the plugin's tables out of its autogenerate."""
    return not (kind == "table" and name is not None and name.startswith("gcal_"))


def _render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """A revision names plain SQL types: it must go on working when our own types change."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, sa.JSON):
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def options() -> Mapping[str, Any]:
    """What the environment of the migrations is configured with."""
    return {
        "version_table": VERSION_TABLE,
        "render_as_batch": True,
        "compare_type": True,
        "render_item": _render,
        "include_name": lambda name, kind, _parents: (
            kind != "table" or (name or "").startswith("gcal_")
        ),
    }
