"""The portal's own SQLAlchemy: the plugin borrows its session, never its metadata."""

from __future__ import annotations

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """The portal's own tables."""


db = SQLAlchemy(model_class=Base)


@event.listens_for(Engine, "connect")
def _sqlite_for_several_processes(connection: object, _record: object) -> None:
    """Writers wait for each other instead of failing, and readers wait for nobody."""
    if type(connection).__module__.startswith("sqlite3"):
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA busy_timeout=5000")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()
