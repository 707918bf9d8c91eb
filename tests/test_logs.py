"""Structured logs: JSON lines with the id of their request or job, and nothing personal."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from flask import Flask

from gcal_plugin.logs import json_logs


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
