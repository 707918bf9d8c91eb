"""`provision`, `block`, `kill`, `audit`, `privacy` and `keys` as operators type them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import Result
from flask import Flask

from gcal_plugin.store.crypto import Keyring
from tests.servers.databases import Databases
from tests.support.portal_app import ELS, JAN, portal


@pytest.fixture
def app(databases: Databases) -> Iterator[Flask]:
    with portal(databases) as made:
        yield made


def gcal(app: Flask, *words: str, code: int = 0) -> Result:
    structlog.reset_defaults()
    done = app.test_cli_runner().invoke(args=["gcal", *words])
    structlog.reset_defaults()
    assert done.exit_code == code, done.output
    return done


def said(app: Flask, *words: str, code: int = 0) -> Any:
    return json.loads(gcal(app, *words, "--json", code=code).stdout)


def test_provisioning_one_extension_and_again(app: Flask) -> None:
    words = ("provision", "--tenant", "belwinkel", "--email", JAN, "--extension", "333")
    assert said(app, *words) == said(app, *words)
    gcal(app, *words[:-1], "999", code=2)
    gcal(app, "provision", "--tenant", "belwinkel", code=2)
    gcal(app, *words[:-3], ELS, *words[-2:], code=2)


def test_provisioning_a_file(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_bytes(f"\ufeffE-mail;Extensie\r\n{JAN};201\r\n{JAN};999\r\n".encode())
    words = ("provision", "--tenant", "belwinkel", "--csv", str(file))
    assert said(app, *words, code=1) == {
        "made": 0,
        "faults": [{"line": 3, "field": "extension", "code": "unknown_extension"}],
    }
    assert "line 3: extension: unknown_extension" in gcal(app, *words, code=1).output
    file.write_bytes(f"\ufeffE-mail;Extensie\r\n{JAN};201\r\n".encode())
    assert said(app, *words) == {"made": 1, "there": 0, "faults": []}
    assert said(app, *words) == {"made": 0, "there": 1, "faults": []}


def test_blocking_and_allowing_a_number(app: Flask) -> None:
    assert said(app, "block", "06-12 34 56 78") == {"value": "+31612345678", "blocked": True}
    assert said(app, "block", "06-12 34 56 78", "--undo")["blocked"] is False
    gcal(app, "block", "06-12 34 56 78", "--undo", code=1)
    assert "0612345678" in gcal(app, "block", "612345678", code=2).output
    gcal(app, "block", "bel mij", code=2)


def test_switching_off_and_on(app: Flask) -> None:
    assert said(app, "kill", "--tenant", "belwinkel") == {"lines": 1, "killed": True}
    assert said(app, "kill", "--tenant", "belwinkel", "--undo") == {"lines": 1, "killed": False}
    gcal(app, "kill", code=2)
    gcal(app, "kill", "--tenant", "nobody", code=1)
    gcal(app, "kill", "--link", "01890000-0000-7000-8000-000000000000", code=1)


def test_the_audit_is_exported_for_one_tenant(app: Flask) -> None:
    gcal(app, "kill", "--tenant", "belwinkel")
    gcal(app, "kill", "--tenant", "havenstem")
    rows = [json.loads(line) for line in gcal(app, "audit", "export").stdout.splitlines()]
    assert [row["subject"] for row in rows if row["action"] == "kill"] == [
        "tenant:belwinkel", "tenant:havenstem",
    ]  # fmt: skip
    assert {row["tenant"] for row in said(app, "audit", "export", "--tenant", "havenstem")} == {
        "havenstem"
    }
    table = gcal(app, "audit", "export", "--format", "csv").stdout.splitlines()
    assert table[0] == "id,at,tenant,actor,action,subject,request,detail"
    assert len(table) == len(rows) + 1


def test_exporting_and_erasing_one_person(app: Flask) -> None:
    words = ("--tenant", "belwinkel", "--account", "1")
    assert len(said(app, "privacy", "export", *words)["gcal_link"]) == 1
    gcal(app, "privacy", "erase", *words, code=1)  # asked, and nobody said yes
    assert said(app, "privacy", "erase", *words, "--yes")["gcal_link"] == 1
    assert said(app, "privacy", "export", *words)["gcal_link"] == []


def test_keys(app: Flask) -> None:
    key = said(app, "keys", "new")["key"]
    assert Keyring([key]).current_id
    assert said(app, "keys", "new")["key"] != key
    assert said(app, "keys", "rotate") == {"sealed_again": 0, "lost": 0}
    assert said(app, "keys", "status") == {}
