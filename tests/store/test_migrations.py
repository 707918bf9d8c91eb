"""The revisions make exactly the tables that the code expects, on both databases, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gcal_plugin.store import migrate
from gcal_plugin.store.tables import Base


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = sa.create_engine(database_url)
    yield made
    made.dispose()


def our_tables(engine: sa.Engine) -> set[str]:
    return {name for name in sa.inspect(engine).get_table_names() if name.startswith("gcal_")}


def test_the_newest_revision_is_what_the_code_expects(engine: sa.Engine) -> None:
    assert migrate.upgrade(engine) == migrate.head()
    with engine.connect() as connection:
        options = {**migrate.options(), "compare_server_default": False}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_twice_changes_nothing(engine: sa.Engine) -> None:
    migrate.upgrade(engine)
    before = our_tables(engine)
    assert migrate.upgrade(engine) == migrate.head()
    assert our_tables(engine) == before


def test_down_to_nothing_and_up_again(engine: sa.Engine) -> None:
    migrate.upgrade(engine)
    assert migrate.downgrade(engine, "base") is None
    assert our_tables(engine) <= {migrate.VERSION_TABLE}
    assert migrate.upgrade(engine) == migrate.head()


def test_the_hosts_tables_are_left_alone(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE host_customer (id INTEGER PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO host_customer VALUES (7)"))
    migrate.upgrade(engine)
    migrate.downgrade(engine, "base")
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT id FROM host_customer")) == 7


def test_the_hosts_autogenerate_leaves_ours_alone() -> None:
    ours = migrate.include_object(None, "gcal_link", "table", True, None)
    theirs = migrate.include_object(None, "customer", "table", True, None)
    assert (ours, theirs) == (False, True)


def test_the_newest_revision_is_alembics() -> None:
    script = ScriptDirectory.from_config(migrate._config())
    assert migrate.head() == script.get_current_head()
    for one in script.walk_revisions():
        assert Path(one.path).name.startswith(f"{one.revision}_"), one.path


def test_before_the_first_upgrade_there_is_no_revision(engine: sa.Engine) -> None:
    assert migrate.current(engine) is None
    assert migrate.head()


def test_tables_of_a_newer_version_serve_this_one(engine: sa.Engine) -> None:
    assert not migrate.serves(None)
    migrate.upgrade(engine, "0001")
    assert not migrate.serves(migrate.current(engine))
    migrate.upgrade(engine)
    assert migrate.serves(migrate.current(engine))
    newer = f"{int(migrate.head()) + 1:04d}"
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {migrate.VERSION_TABLE} SET version_num = '{newer}'"))
    assert migrate.serves(migrate.current(engine))
    assert migrate.upgrade(engine) == newer, "an old process that starts leaves them as they are"
