"""The tutorial, followed word by word from an empty folder with the built wheel."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from example_app.fake_google.process import LocalGoogle
from tests.servers.ports import free_port, wait_for_port
from tests.servers.process import Child
from tests.support.package import build, install
from tests.support.visitor import Visitor

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
JAN = "jan@bakery.example"
TERMINALS = "each in a terminal of its own"


def blocks() -> list[tuple[str, str, str]]:
    """(language, title, text) of every block."""
    return BLOCK.findall(TUTORIAL.read_text())


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel, unpacked: what `pip install` puts beside its dependencies."""
    folder = tmp_path_factory.mktemp("package")
    install(build(folder)[0], folder / "site")
    return folder / "site"


@pytest.fixture
def google() -> Iterator[LocalGoogle]:
    with LocalGoogle() as running:
        running.add_account(JAN)
        yield running


def test_the_pip_line_names_the_package_and_only_extras_that_exist() -> None:
    found = re.findall(r'pip install "gcal-plugin(?:\[([\w,]+)\])?"', TUTORIAL.read_text())
    assert found
    for extras in found:
        for extra in filter(None, extras.split(",")):
            assert f"\n{extra} =\n" in (ROOT / "setup.cfg").read_text()


@pytest.mark.timeout(420)
def test_word_by_word(installed: Path, google: LocalGoogle, redis_url: str, tmp_path: Path) -> None:
    web, pbx = free_port(), free_port()
    folder = tmp_path / "portal"
    folder.mkdir()
    (folder / "reference_receiver.py").write_text(
        (ROOT / "docs" / "reference_receiver.py").read_text()
    )
    here = {
        "YOUR-CLIENT-ID": google.client_id,
        "YOUR-CLIENT-SECRET": google.client_secret,
        "redis://127.0.0.1:6379/0": redis_url,
        "8080": str(pbx),
        "5000": str(web),
        "POLL_SECONDS=10": "POLL_SECONDS=1",
    }

    def mine(text: str) -> str:
        for theirs, ours in here.items():
            text = text.replace(theirs, ours)
        return text

    env = {key: value for key, value in os.environ.items() if not key.startswith("GCAL_")}
    env |= {
        # The virtual environment that the tutorial makes: this one's programs, the wheel first.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}",
        "PYTHONPATH": str(installed),
        # Google itself, nearer.
        "FLASK_GCAL_GOOGLE_METADATA_URL": google.metadata_url,
        "FLASK_GCAL_GOOGLE_API_ROOT": google.url,
    }
    exports: list[str] = []
    terminals: list[str] = []
    once: list[str] = []
    for language, title, text in blocks():
        if language == "python":
            (folder / title).write_text(text)
        elif title == TERMINALS:
            terminals = mine(text).splitlines()
        elif text.startswith("export"):
            exports = mine(text).splitlines()
        else:
            once += [
                line
                for line in mine(text).splitlines()
                if not re.match(r"mkdir|cd |python3 -m venv|\. venv|pip ", line)
            ]
    settings = folder / "settings.sh"
    shown = _shell("\n".join([*exports, "export -p > settings.sh"]), folder, env)
    assert shown.returncode == 0, shown.stderr
    assert once == [
        "flask gcal db upgrade",
        f"flask gcal provision --tenant acme --email {JAN} --extension 200",
        "flask gcal doctor",
        "cat held.json",
    ]
    done = _shell(f". {settings}; {once[0]}", folder, env)
    assert done.returncode == 0, done.stdout + done.stderr
    where = _shell(
        f'. {settings}; python3 -c "import gcal_plugin; print(gcal_plugin.__file__)"', folder, env
    )
    assert where.stdout.startswith(str(installed))
    children = [
        Child(["bash", "-c", f". {settings}; exec {command}"], log=tmp_path / f"{place}.log",
              name=command, cwd=folder, env=env)
        for place, command in enumerate(terminals)
    ]  # fmt: skip
    try:
        for child in children:
            child.start()
        wait_for_port(web, timeout=60)
        wait_for_port(pbx)
        done = _shell(f". {settings}; {once[1]}", folder, env)
        assert done.returncode == 0, done.stdout + done.stderr
        _first_forward(google, web, folder)
        said = _shell(f". {settings}; flask gcal doctor --json", folder, env)
        wrong = [one["what"] for one in json.loads(said.stdout)["findings"] if not one["ok"]]
        assert wrong == ["push address"]
    finally:
        for child in children:
            child.stop()


def _first_forward(google: LocalGoogle, web: int, folder: Path) -> None:
    home = f"http://127.0.0.1:{web}"
    calendar = google.add_calendar("shop@bakery.example", JAN, summary="Shop")
    now = datetime.now(UTC)
    with Visitor(home) as jan:
        jan.get(f"{home}/login")
        assert "Google Calendar Integration" in jan.text
        jan.get(f"{home}/google-calendar/")
        jan.submit("/google-calendar/connect")
        jan.consent(JAN)
        jan.submit("/google-calendar/calendars", calendar=calendar)
        event = google.add_event(
            calendar, "0612345678", now - timedelta(minutes=1), now + timedelta(hours=1)
        )
        held = folder / "held.json"
        _soon("the forward", lambda: "+31612345678" in held.read_text())
        jan.get(f"{home}/google-calendar/")
        assert "Forwarded to 06 12345678" in jan.text.replace("\u00a0", " ")
        google.delete_event(calendar, event["id"])
        _soon("its end", lambda: "+31612345678" not in held.read_text())


def _soon(what: str, happened: object, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if happened():  # type: ignore[operator]
                return
        except FileNotFoundError:
            pass  # the exchange has not been told anything yet
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.2)


def _shell(script: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-eu", "-c", script],
        cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
