"""Every command of the documentation is run: what a page shows can be typed, and does its work."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import structlog
from flask import Flask

from example_app import create_app, seed
from example_app.database import db
from example_app.fake_google.process import LocalGoogle
from gcal_plugin.services.signals import queue_states, readiness
from gcal_plugin.store.tables import Link
from tests.docs.test_commands import every_line
from tests.docs.test_tutorial import MOUNT
from tests.servers.ports import free_port
from tests.servers.process import Child
from tests.support.following import TUTORIAL, server_lines
from tests.support.pages import DOCS, blocks
from tests.support.portal_app import JAN, config
from tests.support.stage import ROOT

STAY = re.compile(r"gcal (worker|clock|theme preview)\b")
"""Commands that run until they are told to stop."""
WHOLE = {
    "explain": "0612345678",
    "kill": "--tenant belwinkel",
    "pbx move": "--tenant belwinkel --domain bakkerij-jansen.example --renumber 200=333",
    "privacy erase": "--tenant belwinkel --account 1",
    "privacy export": "--tenant belwinkel --account 1",
    "provision": f"--tenant belwinkel --email {JAN} --extension 201",
}
"""What a page leaves out where it only names a command."""
THEIRS = {
    r"theme (\w+) (?:NAME|\[NAMES\]\.\.\.)": r"theme \1 my-brand",
    r"--tenant (?:ID|acme)": "--tenant belwinkel",
    r"--email \S+": f"--email {JAN}",
    r"--account 17": "--account 1",
    r"(check|reconcile) NAME": r"\1 main",
    r"\[TITLE\]|\bNUMBER\b": "0612345678",
    r"\[(?:REVISION|PBX|LINK_ID)\]| >.*": "",
    r"[][]|\)$": "",
}
"""What a reader fills in, as it is here."""


def filled(line: str) -> str:
    """A line as it is typed here, from behind `gcal`."""
    line = line[line.index("gcal ") + 5 :].partition("  #")[0]
    for theirs, ours in THEIRS.items():
        line = re.sub(theirs, ours, line)
    line = line.strip()
    if line in WHOLE:
        line = f"{line} {WHOLE[line]}"
    return line + " --yes" * line.startswith("privacy erase")


def shown() -> list[str]:
    lines = [line for _, line in every_line() if re.search(r"flask .*gcal|flask gcal", line)]
    done = {filled(line) for line in lines if not STAY.search(line)}
    return sorted(done - {"risc"})  # `flask gcal risc` names the three below it


@pytest.fixture(scope="module")
def google() -> Iterator[LocalGoogle]:
    with LocalGoogle() as running:
        yield running


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as `db upgrade` and the example's people leave it."""
    file = tmp_path_factory.mktemp("prepared") / "portal.sqlite"
    app = create_app(config(f"sqlite:///{file}"))
    gcal(app, "db upgrade")
    app.test_cli_runner().invoke(seed.command, catch_exceptions=False)
    gcal(app, "block 0687654321")  # the audit log has its first line
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    return file


@pytest.fixture
def values(google: LocalGoogle, redis_url: str, prepared: Path, tmp_path: Path) -> dict[str, Any]:
    shutil.copy(prepared, tmp_path)
    return config(
        f"sqlite:///{tmp_path}/portal.sqlite",
        GCAL_GOOGLE_CLIENT_ID=google.client_id,
        GCAL_GOOGLE_CLIENT_SECRET=google.client_secret,
        GCAL_GOOGLE_METADATA_URL=google.metadata_url,
        GCAL_GOOGLE_RISC_METADATA_URL=google.risc_metadata_url,
        GCAL_GOOGLE_API_ROOT=google.url,
        GCAL_RISC_SERVICE_ACCOUNT=json.dumps(google.service_account()),
        GCAL_REDIS_URL=redis_url,
        GCAL_PUBLIC_URL="https://127.0.0.1:9",  # nothing is asked beyond this machine
        GCAL_THEMES_FOLDERS=[str(tmp_path / "themes")],
    )


@pytest.fixture
def app(values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Flask]:
    """The portal with its tables made as the documentation says."""
    monkeypatch.chdir(tmp_path)
    made = create_app(values)
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def gcal(app: Flask, words: str, codes: tuple[int, ...] = (0,)) -> str:
    structlog.reset_defaults()
    typed = "0612345678\n333\n" if words == "explain -" else None
    done = app.test_cli_runner().invoke(args=["gcal", *shlex.split(words)], input=typed)
    structlog.reset_defaults()
    assert done.exit_code in codes, f"flask gcal {words}: {done.output}\n{done.exception!r}"
    return done.output


def test_there_are_commands_to_run() -> None:
    assert len(shown()) > 30


BY_OTHERS = {
    "make run": "tests/e2e starts what it starts, and clicks through it",
    "make test": "is what runs this",
    "pg_dump": "test_operate.py makes a backup with it",
    "pg_restore": "test_operate.py brings that back",
}
"""What is run elsewhere, by how a line begins."""


def test_every_other_line_is_typed_by_the_strangers_tests() -> None:
    """The pages that begin with nothing are typed whole (less what asks for a running systemd)."""
    typed = {
        line for page in (TUTORIAL, DOCS / "brand.md") for one in blocks(page) for line in one.lines
    }
    typed |= set(server_lines()) | set(MOUNT)
    others = {line for _, line in every_line() if not re.search(r"flask .*gcal|flask gcal", line)}
    begun = {line for line in others if line.startswith(tuple(f"{one} " for one in BY_OTHERS))}
    assert others - begun - typed == set()
    assert len(begun) == len(BY_OTHERS)


@pytest.mark.parametrize("words", shown())
def test_it_does_what_the_page_says(words: str, app: Flask, tmp_path: Path) -> None:
    before: list[str] = []
    codes: tuple[int, ...] = (0,)
    if words.startswith("theme check"):
        before = ["theme new my-brand"]
    elif words.startswith("risc") and words != "risc register":
        before = ["risc register"]
    elif "--csv" in words:
        (tmp_path / "customers.csv").write_text(f"email;extension\n{JAN};201\n")
    elif "--link ID" in words:
        with app.app_context(), app.extensions["gcal"].store.begin() as session:
            words = words.replace("ID", str(session.scalars(sa.select(Link.id)).first()))
    elif "REVISION" in words:
        words = words.replace("REVISION", "base")
    elif words == "doctor":
        codes = (1,)  # no clock and no web process run here; all else is looked at below
    elif words.startswith("pbx check"):
        before = ["provision --tenant belwinkel --email " + JAN + " --extension 201"]
    for one in before:
        gcal(app, one)
    said = gcal(app, words, codes)
    if words == "doctor":
        assert re.findall(r"^MEND ([^:\n]*)", said, re.MULTILINE) == ["clock", "push address"]
    assert said.strip(), f"{words} says nothing"


def lasting() -> list[str]:
    lines = {filled(line) for _, line in every_line() if STAY.search(line)}
    return sorted(line for line in lines if not line.startswith("theme"))


@pytest.mark.timeout(180)
def test_what_runs_until_it_is_stopped(app: Flask, values: dict[str, Any], tmp_path: Path) -> None:
    """Clock and workers as the pages start them: all of them serve, SIGTERM ends each of them."""
    env = {
        "RUN_DIR": str(tmp_path / "run"),
        "DATABASE_URL": values["SQLALCHEMY_DATABASE_URI"],
        **{
            key: json.dumps(value) if isinstance(value, dict | list) else str(value)
            for key, value in values.items()
            if key.startswith("GCAL_")
        },
    }
    commands = lasting()
    assert "clock" in commands
    assert "worker" in commands
    rt = app.extensions["gcal"]

    def all_serve() -> bool:
        with app.app_context():
            states = queue_states(rt) or ()
            # One of each queue by `worker` alone, one by the line that names the queue.
            return readiness(rt).clock and [one.workers for one in states] == [2] * 4

    with ExitStack() as stack:
        children = [
            stack.enter_context(
                Child(
                    [sys.executable, "-m", "flask", "--app", "example_app", "gcal", *line.split()],
                    log=tmp_path / f"{place}.log",
                    name=line,
                    cwd=ROOT,
                    env=env,
                )
            )
            for place, line in enumerate(commands)
        ]
        _soon(all_serve)
        for child in children:
            child.signal_leader(signal.SIGTERM)
        for child in children:
            assert child.wait(40) == 0, f"{child.name}{child.tail()}"


def test_the_preview_shows_the_new_theme(
    app: Flask, values: dict[str, Any], tmp_path: Path
) -> None:
    gcal(app, "theme new my-brand")
    port = free_port()
    env = {"RUN_DIR": str(tmp_path / "run"), "GCAL_THEMES_FOLDERS": str(tmp_path / "themes")}
    command = [sys.executable, "-m", "flask", "--app", "example_app", "gcal", "theme", "preview"]
    with Child(
        [*command, "my-brand", "--port", str(port)],
        log=tmp_path / "preview.log", name="preview", cwd=ROOT, env=env,
    ) as child:  # fmt: skip
        page = child.wait_for(r"^http://127\.0\.0\.1\S+")[0]
        _soon(lambda: httpx.get(page).status_code == 200)
        assert "My Brand" in httpx.get(page).text


def _soon(happened: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if happened():
                return
        except httpx.TransportError:
            pass  # it does not listen yet
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)
