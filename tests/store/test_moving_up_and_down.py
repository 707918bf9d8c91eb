"""Upgrading and downgrading with rows in every table: nothing that both versions know is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from gcal_plugin.store import migrate

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = sa.create_engine(database_url)
    yield made
    made.dispose()


def revisions() -> list[str]:
    """From the first to the newest."""
    script = ScriptDirectory.from_config(migrate._config())
    return [one.revision for one in script.walk_revisions()][::-1]


def tables(engine: sa.Engine) -> list[sa.Table]:
    """Our tables as the database has them, parents first."""
    metadata = sa.MetaData()
    metadata.reflect(engine, only=lambda name, _: name.startswith("gcal_"))
    return [one for one in metadata.sorted_tables if one.name != migrate.VERSION_TABLE]


def value(column: sa.Column[Any], place: int) -> Any:
    """Something that fits into a column, another for each row."""
    kind = column.type
    if isinstance(kind, sa.DateTime):
        return AT if kind.timezone else AT.replace(tzinfo=None)
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.Numeric | sa.Float | sa.Integer):
        return place
    if isinstance(kind, sa.JSON):
        return [place]
    if isinstance(kind, sa.Uuid):
        import uuid

        return uuid.UUID(int=place)
    length = getattr(kind, "length", None) or 40
    if length == 32 and column.primary_key:
        return f"{place:032x}"
    return f"{column.name[:8]}{place:02d}"[:length]


def fill(
    engine: sa.Engine, known: Sequence[sa.Table] | None = None, places: tuple[int, int] = (1, 2)
) -> None:
    """Two rows in every table, with parents that exist; written by a version that knows the tables
    and columns `known` (all that there are, unless given)."""
    keys: dict[sa.Column[Any], list[Any]] = {}
    with engine.begin() as connection:
        for table in tables(engine) if known is None else known:
            for place in places:
                row = {}
                for column in table.columns:
                    foreign = next(iter(column.foreign_keys), None)
                    if foreign is not None:
                        row[column.name] = keys[foreign.column][places.index(place)]
                    elif not column.nullable or not column.primary_key:
                        row[column.name] = value(column, place)
                    keys.setdefault(column, []).append(row.get(column.name))
                connection.execute(table.insert().values(row))


def held(engine: sa.Engine) -> Rows:
    with engine.connect() as connection:
        return {
            table.name: [
                dict(row._mapping)
                for row in connection.execute(table.select().order_by(*table.primary_key.columns))
            ]
            for table in tables(engine)
        }


def assert_kept(before: Rows, after: Rows) -> None:
    """Every row of a table that both know has what it had in the columns that both know."""
    for name in before.keys() & after.keys():
        assert len(before[name]) == len(after[name]), name
        for old, new in zip(before[name], after[name], strict=True):
            common = old.keys() & new.keys()
            assert {key: old[key] for key in common} == {key: new[key] for key in common}, name


def test_rows_survive_each_step_up_and_down(engine: sa.Engine) -> None:
    steps = revisions()
    migrate.upgrade(engine, steps[0])
    fill(engine)
    first = held(engine)
    assert all(len(rows) == 2 for rows in first.values())
    assert len(first) >= 20
    for place, (older, newer) in enumerate(pairwise(steps), 1):
        before, known = held(engine), tables(engine)
        migrate.upgrade(engine, newer)
        assert_kept(before, held(engine))
        migrate.downgrade(engine, older)
        assert_kept(before, held(engine))
        migrate.upgrade(engine, newer)
        # While machines are restarted one by one, the last version goes on writing to these tables.
        fill(engine, known, (2 * place + 1, 2 * place + 2))
        assert all(
            len(rows) == 2 * place + 2 for name, rows in held(engine).items() if name in first
        )
    assert migrate.current(engine) == migrate.head()
    now = held(engine)
    assert_kept(first, {name: rows[:2] for name, rows in now.items()})


def test_back_to_nothing_leaves_nothing_even_with_rows(engine: sa.Engine) -> None:
    migrate.upgrade(engine)
    fill(engine)
    migrate.downgrade(engine, "base")
    assert tables(engine) == []
