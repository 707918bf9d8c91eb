"""Tokens at rest: bound to their place, sealed again online, resumable after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy

from gcal_plugin.services import grant_tokens, rotating
from gcal_plugin.services.rotating import Rotation
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.store.crypto import CannotOpen, Keyring, new_key
from gcal_plugin.store.store import Store
from gcal_plugin.store.tables import Audit, Base, Grant
from tests.servers.databases import Databases
from tests.support.runtime import make_app, make_runtime, make_schema

OLD, NEW = new_key(), new_key()
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def with_keys(rt: Runtime, db: SQLAlchemy, *keys: str) -> Runtime:
    return replace(rt, store=Store(db, Keyring(keys)))


def grants(rt: Runtime, count: int) -> None:
    with rt.store.begin() as session:
        for number in range(count):
            grant = Grant(client_id="c", subject=str(number), email="", created_at=NOW, scopes=[])
            session.add(grant)
            session.flush()
            grant_tokens.put_refresh_token(rt.store.keyring, grant, f"refresh-{number}")
            grant_tokens.put_access_token(rt.store.keyring, grant, f"access-{number}", NOW)


@pytest.fixture
def opened(database_kind: str, databases: Databases) -> Iterator[tuple[Runtime, SQLAlchemy, str]]:
    with databases.fresh(database_kind, key="schema", prepare=make_schema) as url:
        app, db = make_app(url)
        with app.app_context():
            yield make_runtime(db), db, url
            db.session.remove()
            db.engine.dispose()


def all_tokens(rt: Runtime) -> set[str]:
    with rt.store.begin() as session:
        found = session.scalars(sa.select(Grant)).all()
        return {str(grant_tokens.refresh_token_of(rt.store.keyring, one)) for one in found} | {
            str(grant_tokens.access_token_of(rt.store.keyring, one)) for one in found
        }


def test_after_a_rotation_the_old_key_is_not_needed(
    opened: tuple[Runtime, SQLAlchemy, str],
) -> None:
    rt, db, _ = opened
    grants(with_keys(rt, db, OLD), 7)
    both = with_keys(rt, db, NEW, OLD)
    portions: list[int] = []
    assert rotating.waiting(both) == 14
    done = rotating.rotate(both, actor="operator:cli", batch=3, told=portions.append)
    assert done == Rotation(14, 0)
    assert sum(portions) == 14
    assert max(portions) <= 3
    assert rotating.waiting(both) == 0
    assert rotating.rotate(both, actor="operator:cli", batch=3) == Rotation(0, 0)
    assert rotating.counts(both) == {both.store.keyring.current_id: 14}
    only_new = with_keys(rt, db, NEW)
    assert all_tokens(only_new) == {
        f"{kind}-{n}" for kind in ("refresh", "access") for n in range(7)
    }
    with pytest.raises(CannotOpen):
        all_tokens(with_keys(rt, db, OLD))
    with rt.store.begin() as session:
        assert (
            len(session.scalars(sa.select(Audit).where(Audit.action == "keys_rotate")).all()) == 2
        )


def test_a_lost_key_is_told_and_nothing_is_thrown_away(
    opened: tuple[Runtime, SQLAlchemy, str],
) -> None:
    rt, db, _ = opened
    grants(with_keys(rt, db, OLD), 2)
    only_new = with_keys(rt, db, NEW)
    assert rotating.rotate(only_new, actor="x", batch=1) == Rotation(0, 4)
    assert rotating.counts(only_new) == {f"?{Keyring([OLD]).current_id}": 4}
    assert all_tokens(with_keys(rt, db, OLD)) == {"refresh-0", "refresh-1", "access-0", "access-1"}


def test_a_value_that_was_moved_to_another_row_or_column_does_not_open(
    opened: tuple[Runtime, SQLAlchemy, str],
) -> None:
    rt, db, _ = opened
    rt = with_keys(rt, db, OLD)
    grants(rt, 2)
    with rt.store.begin() as session:
        one, two = session.scalars(sa.select(Grant)).all()
        one.refresh_token, two.refresh_token = two.refresh_token, one.refresh_token
        one.access_token, kept = one.refresh_token, one.access_token
        assert kept is not None
        for grant in (one, two):
            with pytest.raises(CannotOpen):
                grant_tokens.refresh_token_of(rt.store.keyring, grant)
        with pytest.raises(CannotOpen):
            grant_tokens.access_token_of(rt.store.keyring, one)


def test_a_token_that_is_refreshed_during_a_rotation_stays_the_newest(
    opened: tuple[Runtime, SQLAlchemy, str],
) -> None:
    rt, db, _ = opened
    grants(with_keys(rt, db, OLD), 1)
    both = with_keys(rt, db, NEW, OLD)
    with both.store.begin() as session:
        grant = session.scalars(sa.select(Grant)).one()
        stale = grant.refresh_token
        assert stale is not None
        grant_tokens.put_refresh_token(Keyring([OLD]), grant, "newer")
        session.flush()
        column = Grant.refresh_token
        done = rotating._one(session, both.store.keyring, Grant, Grant.id, column, grant.id, stale)
        assert done is False
        session.refresh(grant)
        assert grant_tokens.refresh_token_of(both.store.keyring, grant) == "newer"


def test_every_sealed_column_is_rotated() -> None:
    """A column whose documentation says that it is sealed must be in the list."""
    source = Path(rotating.__file__).parents[1] / "store" / "tables" / "calendars.py"
    words = source.read_text().count('"""Sealed')
    assert words == len(rotating.SEALED)
    names = {(table.__tablename__, column.key) for table, _, column in rotating.SEALED}
    assert all(name in Base.metadata.tables for name, _ in names)
    assert len(names) == len(rotating.SEALED)


SCRIPT = """
import sys
from tests.support.runtime import make_app, make_runtime
from tests.security.test_keys import with_keys
from gcal_plugin.services import rotating
url, *keys = sys.argv[1:]
app, db = make_app(url)
with app.app_context():
    rt = with_keys(make_runtime(db), db, *keys)
    done = rotating.rotate(rt, actor="x", batch=5, told=lambda n: print(n, flush=True))
    print("done", flush=True)
"""


def test_a_rotation_that_was_killed_goes_on_where_it_was(
    opened: tuple[Runtime, SQLAlchemy, str],
) -> None:
    rt, db, url = opened
    count = 400
    grants(with_keys(rt, db, OLD), count)
    kills = 0
    for _ in range(30):
        child = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, url, NEW, OLD],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        assert child.stdout is not None
        with child.stdout:
            first = child.stdout.readline()
            if first.strip() in {"", "done"}:
                assert child.wait(30) == 0
                break
            if kills < 3:
                time.sleep(0.02)
                os.kill(child.pid, signal.SIGKILL)
                kills += 1
            assert child.wait(60) in {0, -signal.SIGKILL}
    assert kills == 3, json.dumps(rotating.counts(with_keys(rt, db, NEW, OLD)))
    only_new = with_keys(rt, db, NEW)
    assert rotating.counts(only_new) == {Keyring([NEW]).current_id: 2 * count}
    assert len(all_tokens(only_new)) == 2 * count
