"""Structured logs: JSON lines with the id of their request or job, and nothing personal."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask

from gcal_plugin.logs import json_logs, redact


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers, root.level)
    yield io.StringIO()
    root.handlers, level = before
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def rows(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_ours_and_the_librarys_lines_are_json(out: io.StringIO) -> None:
    json_logs(to=out)
    structlog.get_logger("gcal").info("batch_switched", done=3, pbx="main")
    logging.getLogger("library").warning("slow by %s s", 2)
    ours, theirs = rows(out)
    assert (ours["event"], ours["done"], ours["level"]) == ("batch_switched", 3, "info")
    assert (theirs["event"], theirs["logger"]) == ("slow by 2 s", "library")
    assert ours["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "personal",
    [
        "jan@bakkerij.example",
        "+31612345678",
        "0031612345678",
        "31612345678",
        "06 12345678",
        "06-12 34 56 78",
        "020-1234567",
        "+31 (0)6 12345678",
        "ya29.a0AfH6SMBx-abc",
        "1//0gAbcdefghijkl",
        "eyJhbGciOi.eyJzdWIi.c2ln",
    ],
)
def test_nothing_personal_gets_out(out: io.StringIO, personal: str) -> None:
    json_logs(to=out)
    log = structlog.get_logger("gcal")
    log.warning("refused", detail=f"the exchange says {personal} no", many=[personal])
    logging.getLogger("library").error("could not reach %s", personal)
    try:
        raise ValueError(f"no such person: {personal}")
    except ValueError:
        log.exception("work_failed")
    assert len(rows(out)) == 3
    assert personal not in out.getvalue()


@pytest.mark.parametrize("before", ["tel:", "value:", "'", "("])
def test_a_number_is_found_whatever_stands_before_it(out: io.StringIO, before: str) -> None:
    json_logs(to=out)
    structlog.get_logger("gcal").warning("refused", detail=f"no {before}+31612345678 here")
    assert "612345678" not in out.getvalue()


@pytest.mark.parametrize(
    "plain",
    [
        "2026-11-24T09:00:00+01:00",
        "2026-11-24 09:00:00.123456",
        "01361234-5678-7123-8123-012345678901",
        "0.06123456789",
        "lines=1600 in 0.25 s",
        "10.0.0.12:54321",
    ],
)
def test_what_is_nobodys_number_stays(out: io.StringIO, plain: str) -> None:
    json_logs(to=out)
    structlog.get_logger("gcal").warning("seen", detail=plain)
    (row,) = rows(out)
    assert row["detail"] == plain


def test_what_a_database_quotes_stays_inside(out: io.StringIO) -> None:
    json_logs(to=out)
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE person (name TEXT, note TEXT, UNIQUE (name))"))
        row = {"name": "Jan Jansen", "note": "a]\n[b 'bakker'"}
        add = sa.text("INSERT INTO person VALUES (:name, :note)")
        connection.execute(add, row)
        try:
            connection.execute(add, row)
        except sa.exc.IntegrityError:
            structlog.get_logger("gcal").exception("work_failed")
    (told,) = rows(out)
    assert "UNIQUE constraint failed: person.name" in told["exception"]
    assert "test_logs.py" in told["exception"]
    assert "Jan Jansen" not in out.getvalue()
    assert "bakker" not in out.getvalue()


def test_the_row_that_postgres_refused_stays_inside() -> None:
    said = (
        "(psycopg.errors.UniqueViolation) duplicate key value\n"
        "DETAIL:  Key (account_id)=(jansen) already exists.\n"
        "[SQL: INSERT INTO t VALUES (%(a)s)]\n[parameters: {'a': 'jansen'}]\n"
        "(Background on this error at: https://sqlalche.me/e/20/gkpj)"
    )
    kept = redact(said)
    assert "jansen" not in kept
    assert "duplicate key value" in kept
    assert "INSERT INTO t" in kept
    assert "sqlalche.me" in kept


def test_named_secrets_are_masked_and_ids_stay(out: io.StringIO) -> None:
    json_logs(to=out)
    link = "018f3c6e-7a52-7c1e-9d6b-0242ac120002"
    structlog.get_logger("gcal").info(
        "x", token="s3cret", title="06", link=link, at="2026-11-24T09:00:00+00:00"
    )
    (row,) = rows(out)
    assert (row["token"], row["title"]) == ("[masked]", "[masked]")
    assert (row["link"], row["at"]) == (link, "2026-11-24T09:00:00+00:00")


def test_a_request_has_an_id(out: io.StringIO) -> None:
    app = Flask("host")
    json_logs(app, to=out)

    @app.get("/")
    def home() -> str:
        structlog.get_logger("gcal").info("seen")
        return ""

    client = app.test_client()
    client.get("/", headers={"X-Request-ID": "from-the-proxy"})
    client.get("/", headers={"X-Request-ID": "evil\\nline {}"})
    first, second = (row for row in rows(out) if row["event"] == "seen")
    assert first["request_id"] == "from-the-proxy"
    assert len(second["request_id"]) == 32
