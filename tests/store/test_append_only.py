"""The audit log can only be added to, whoever writes SQL."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from gcal_plugin.store import migrate
from gcal_plugin.store.tables import Audit
from tests.servers.databases import Databases
from tests.support.runtime import make_schema

ROW = {
    "at": "2026-03-02 09:00:00+00", "tenant_id": "bel", "actor": "support:3", "action": "block",
    "subject": "number", "request_id": "", "detail": "{}",
}  # fmt: skip
INSERT = sa.text(
    "INSERT INTO gcal_audit (at, tenant_id, actor, action, subject, request_id, detail)"
    " VALUES (:at, :tenant_id, :actor, :action, :subject, :request_id, :detail)"
)


def upgrade(url: str) -> None:
    engine = sa.create_engine(url)
    migrate.upgrade(engine)
    engine.dispose()


@pytest.fixture(params=["create_all", "migrations"])
def engine(
    request: pytest.FixtureRequest, database_kind: str, databases: Databases
) -> Iterator[sa.Engine]:
    prepare = {"create_all": make_schema, "migrations": upgrade}[request.param]
    with databases.fresh(database_kind, key=f"audit-{request.param}", prepare=prepare) as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(INSERT, ROW)
        yield engine
        engine.dispose()


REST = "tenant_id, 'x', action, subject, request_id, detail"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gcal_audit SET actor = 'nobody'",
        "DELETE FROM gcal_audit",
        "TRUNCATE gcal_audit",
        "INSERT INTO gcal_audit SELECT * FROM gcal_audit ON CONFLICT (id) DO UPDATE SET actor='x'",
        f"REPLACE INTO gcal_audit SELECT id, at, {REST} FROM gcal_audit",
    ],
)
def test_what_was_written_stays(engine: sa.Engine, statement: str) -> None:
    with engine.connect() as connection:
        with pytest.raises(DBAPIError):
            connection.exec_driver_sql(statement)
        connection.rollback()
        [kept] = connection.execute(sa.select(Audit.actor)).all()
        assert kept.actor == "support:3"


def test_the_migration_can_be_taken_back_and_done_again(
    database_kind: str, databases: Databases
) -> None:
    with databases.fresh(database_kind) as url:
        engine = sa.create_engine(url)
        assert migrate.upgrade(engine) == migrate.head()
        migrate.downgrade(engine, "0001")
        migrate.upgrade(engine)
        migrate.downgrade(engine, "base")
        assert not [name for name in sa.inspect(engine).get_table_names() if name == "gcal_audit"]
        engine.dispose()


def test_a_role_that_was_granted_insert_alone_cannot_do_more(databases: Databases) -> None:
    """The grants of the documentation, tried with a role that owns nothing."""
    with databases.fresh("postgres", key="audit-migrations", prepare=upgrade) as url:
        plain = url.replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True) as owner:
            owner.execute("DROP ROLE IF EXISTS gcal_app")
            owner.execute("CREATE ROLE gcal_app")
            owner.execute("GRANT SELECT, INSERT ON gcal_audit TO gcal_app")
            owner.execute("GRANT USAGE ON SEQUENCE gcal_audit_id_seq TO gcal_app")
            try:
                with psycopg.connect(plain, autocommit=True) as app:
                    app.execute("SET ROLE gcal_app")
                    app.execute(
                        "INSERT INTO gcal_audit (at, tenant_id, actor, action, subject, request_id,"
                        " detail) VALUES (now(), 'bel', 'system', 'x', 'y', '', '{}')"
                    )
                    for statement in (
                        "UPDATE gcal_audit SET actor = 'x'",
                        "DELETE FROM gcal_audit",
                        "TRUNCATE gcal_audit",
                        "ALTER TABLE gcal_audit DISABLE TRIGGER ALL",
                        "DROP TRIGGER gcal_audit_append_only ON gcal_audit",
                        "DROP TABLE gcal_audit",
                    ):
                        with pytest.raises(psycopg.errors.InsufficientPrivilege):
                            app.execute(statement)
            finally:
                owner.execute("DROP OWNED BY gcal_app")
                owner.execute("DROP ROLE gcal_app")
