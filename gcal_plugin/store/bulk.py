"""Many rows in one statement: Postgres takes them as arrays, SQLite one after the other.

A statement costs Postgres a round trip and SQLite nothing to speak of, so each gets what it is
good at. Rows are mappings of column name to value, all with the same keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from .tables.base import Base

Row = Mapping[str, Any]
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def _on_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _kind(column: sa.Column[Any]) -> str:
    return column.type.compile(dialect=_DIALECT)


def among(
    session: Session, column: sa.ColumnElement[Any], values: Iterable[Any]
) -> sa.ColumnElement[bool]:
    """`column IN values`, as one array parameter where there are arrays.

    The text of the statement then stays the same for any number of values, so that it is prepared
    once and not written anew each time.
    """
    listed = list(values)
    if not _on_postgres(session):
        return column.in_(listed)
    kind: postgresql.ARRAY[Any] = postgresql.ARRAY(column.type)
    return column == sa.any_(sa.bindparam(None, listed, type_=kind, unique=True))


def arrays(columns: Sequence[sa.Column[Any]]) -> str:
    """`unnest(...)` of one array parameter for each column, named after it."""
    casts = ", ".join(f"CAST(:{column.name} AS {_kind(column)}[])" for column in columns)
    return f"unnest({casts})"


def turned(rows: Sequence[Row], names: Sequence[str]) -> dict[str, list[Any]]:
    """Rows as one list for each column, the parameters of `arrays`."""
    return {name: [row[name] for row in rows] for name in names}


@lru_cache(maxsize=64)
def _insert_text(table: sa.Table, names: tuple[str, ...]) -> sa.TextClause:
    columns = [table.c[name] for name in names]
    listed = ", ".join(names)
    return sa.text(  # nosemgrep: sql-from-text (names come from the table, values are bound)
        f"INSERT INTO {table.name} ({listed}) SELECT * FROM {arrays(columns)}"  # noqa: S608
    )


def insert_rows(session: Session, table: sa.Table, rows: Sequence[Row]) -> None:
    """Add rows; every column without a server's or the database's default must be there."""
    if not rows:
        return
    if not _on_postgres(session):
        session.execute(sa.insert(table), [dict(row) for row in rows])
        return
    names = tuple(rows[0])
    session.execute(_insert_text(table, names), turned(rows, names))


def insert_new(session: Session, entity: type[Base], row: Row) -> bool:
    """Add one row unless one with its key is there; answers whether it was added."""
    insert = postgresql.insert if _on_postgres(session) else sqlite.insert
    added = insert(entity).values(**row).on_conflict_do_nothing()
    key = sa.inspect(entity).primary_key[0]
    return session.scalar(added.returning(key)) is not None


@lru_cache(maxsize=64)
def _update_text(
    table: sa.Table, keys: tuple[str, ...], names: tuple[str, ...], answer: tuple[str, ...]
) -> sa.TextualSelect:
    columns = [table.c[name] for name in (*keys, *names)]
    changes = ", ".join(f"{name} = new.{name}" for name in names)
    where = " AND ".join(f"old.{key} = new.{key}" for key in keys)
    listed = ", ".join((*keys, *names))
    returned = ", ".join(f"old.{name}" for name in answer)
    text = sa.text(
        f"UPDATE {table.name} AS old SET {changes} "  # noqa: S608
        f"FROM {arrays(columns)} AS new({listed}) WHERE {where} RETURNING {returned}"
    )
    return text.columns(*(table.c[name] for name in answer))


def update_rows(
    session: Session,
    table: sa.Table,
    rows: Sequence[Row],
    *,
    keys: tuple[str, ...],
    answer: tuple[str, ...],
) -> list[sa.Row[Any]]:
    """Change each row whose `keys` still match; answers the columns `answer` of those that did."""
    if not rows:
        return []
    names = tuple(name for name in rows[0] if name not in keys)
    if _on_postgres(session):
        text = _update_text(table, keys, names, answer)
        return list(session.execute(text, turned(rows, (*keys, *names))))
    found: list[sa.Row[Any]] = []
    for row in rows:
        changed = (
            sa.update(table)
            .where(*(table.c[key] == row[key] for key in keys))
            .values({name: row[name] for name in names})
            .returning(*(table.c[name] for name in answer))
        )
        found += session.execute(changed)
    return found
