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

_SQLITE = tuple(
    f"CREATE TRIGGER {_TABLE}_no_{verb} BEFORE {verb.upper()} ON {_TABLE} "
    f"BEGIN SELECT RAISE(ABORT, '{_WORDS}'); END"
    for verb in ("update", "delete")
) + (
    # REPLACE takes the old row away without asking the trigger above.
    f"CREATE TRIGGER {_TABLE}_no_replace BEFORE INSERT ON {_TABLE} "
    f"WHEN EXISTS (SELECT 1 FROM {_TABLE} WHERE id = NEW.id) "
    f"BEGIN SELECT RAISE(ABORT, '{_WORDS}'); END",
)
_POSTGRES = (
    f"CREATE OR REPLACE FUNCTION {_TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_WORDS}' USING ERRCODE = 'insufficient_privilege'; END $$",
    f"CREATE TRIGGER {_TABLE}_append_only BEFORE UPDATE OR DELETE ON {_TABLE} "
    f"FOR EACH ROW EXECUTE FUNCTION {_TABLE}_refuse()",
    f"CREATE TRIGGER {_TABLE}_no_truncate BEFORE TRUNCATE ON {_TABLE} "
    f"FOR EACH STATEMENT EXECUTE FUNCTION {_TABLE}_refuse()",
)
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
