"""The plugin's own migrations, beside and apart from the host's.

They have their own version table, so that the host's history never mixes with ours. Runs under a
lock on Postgres: two processes that start together upgrade once.

Alembic itself loads only where something is to be moved: it takes seven megabytes, and a web worker
needs no more than the two revisions to say whether it is ready.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from .types import Instant

if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE = "gcal_alembic_version"
_LOCK = 0x6763616C
"""Postgres' advisory lock for migrations: "gcal" in ASCII."""


def _config(connection: sa.Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files(__package__) / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: sa.Engine, revision: str = "head") -> str | None:
    """Bring the plugin's tables up to `revision`; answers the revision now held.

    Tables that a newer version has brought further stay as they are.
    """
    from alembic import command

    held = current(engine)
    if revision == "head" and held is not None and held > _HEAD:
        return held  # a newer version has been here: what it added serves this one too
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        command.upgrade(_config(connection), revision)
    return current(engine)


def downgrade(engine: sa.Engine, revision: str) -> str | None:
    """Take the plugin's tables back to `revision` ("base" removes them)."""
    from alembic import command

    with engine.begin() as connection:
        command.downgrade(_config(connection), revision)
    return current(engine)


def current(engine: sa.Engine) -> str | None:
    """The revision that the database holds; None before the first upgrade."""
    held = sa.table(VERSION_TABLE, sa.column("version_num", sa.String()))
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(VERSION_TABLE):
            return None
        return connection.scalar(sa.select(held.c.version_num))


def _newest() -> str:
    scripts = (files(__package__) / "migrations" / "versions").iterdir()
    return max(name.partition("_")[0] for one in scripts if (name := one.name)[:1].isdecimal())


_HEAD = _newest()
"""Looked up when this process starts: a newer version that is installed beneath it while it runs
changes nothing of what it was written for."""


def head() -> str:
    """The newest revision that this version ships.

    Revisions are numbered, and a script is named by its number: `0002_append_only_audit.py`.
    """
    return _HEAD


def serves(held: str | None) -> bool:
    """Whether tables at the revision `held` serve this version.

    Newer ones do: revisions expand first, so that during an upgrade the old processes go on.
    """
    return held is not None and held >= _HEAD


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
