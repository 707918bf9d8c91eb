"""The audit log can be added to, and nothing else: the database itself refuses the rest.

A trigger holds also where the application owns its tables. On Postgres the application's role
should moreover own nothing and be granted INSERT and SELECT on this one table (see the security
page of the documentation).

The statements belong to revision 0002 and never change; another trigger is another revision.
"""

from __future__ import annotations

import sqlalchemy as sa

_TABLE = "gcal_audit"
_WORDS = f"{_TABLE} is append-only"


def _sqlite_trigger(name: str, moment: str) -> str:
    return (
        f"CREATE TRIGGER {_TABLE}_no_{name} BEFORE {moment} "
        f"BEGIN SELECT RAISE(ABORT, '{_WORDS}'); END"
    )


_SQLITE = (
    _sqlite_trigger("update", f"UPDATE ON {_TABLE}"),
    _sqlite_trigger("delete", f"DELETE ON {_TABLE}"),
    # REPLACE takes the old row away without asking the trigger above.
    _sqlite_trigger(
        "replace",
        f"INSERT ON {_TABLE} WHEN EXISTS (SELECT 1 FROM {_TABLE} WHERE id = NEW.id)",  # noqa: S608
    ),
)
_REFUSE = f"""\
CREATE OR REPLACE FUNCTION {_TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{_WORDS}' USING ERRCODE = 'insufficient_privilege'; END $$"""
_ROWS = f"""\
CREATE TRIGGER {_TABLE}_append_only BEFORE UPDATE OR DELETE ON {_TABLE}
FOR EACH ROW EXECUTE FUNCTION {_TABLE}_refuse()"""
_WHOLE = f"""\
CREATE TRIGGER {_TABLE}_no_truncate BEFORE TRUNCATE ON {_TABLE}
FOR EACH STATEMENT EXECUTE FUNCTION {_TABLE}_refuse()"""
_POSTGRES = (_REFUSE, _ROWS, _WHOLE)
_UNDO = {
    "sqlite": tuple(f"DROP TRIGGER {_TABLE}_no_{verb}" for verb in ("update", "delete", "replace")),
    "postgresql": (
        f"DROP TRIGGER {_TABLE}_append_only ON {_TABLE}",
        f"DROP TRIGGER {_TABLE}_no_truncate ON {_TABLE}",
        f"DROP FUNCTION {_TABLE}_refuse()",
    ),
}


def statements(dialect: str) -> tuple[str, ...]:
    """What makes the log append-only on a database."""
    return _POSTGRES if dialect == "postgresql" else _SQLITE


def undo(dialect: str) -> tuple[str, ...]:
    """What takes it away again, for a downgrade."""
    return _UNDO.get(dialect, _UNDO["sqlite"])


def guard_new_table(_table: object, connection: sa.Connection, **_: object) -> None:
    """Hung on the table's creation, so that one made without the migrations is guarded as well."""
    for statement in statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
