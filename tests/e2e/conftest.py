"""The whole product as `make run` starts it, on free ports and in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from example_app.fake_google.process import LocalGoogle
from tests.browser.portal import CHROMIUM, FLAGS
from tests.servers.ports import free_port
from tests.servers.process import Child


@dataclass
class Product:
    """A running product: the portal's address, and its neighbours'."""

    portal: str
    folder: Path
    process: Child

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "demo.json").read_text())
        return found

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.state['ports'][name]}"

    def history(self, extension: str = "200") -> list[dict[str, Any]]:
        """What the demo exchange applied to one extension, in order."""
        answer = httpx.get(f"{self.url('pbx')}/_control/history", timeout=5).json()
        rows: list[dict[str, Any]] = answer["writes"]
        return [row for row in rows if row["extension"] == extension]

    @contextmanager
    def google(self) -> Iterator[LocalGoogle]:
        """The levers of the local Google that runs beside the portal."""
        steered = LocalGoogle().attach(self.url("google"))
        steered.control("POST", "settings", {"check_schema": True})
        try:
            yield steered
            steered.must_fit()
        finally:
            steered.stop()

    def flask(self, *words: str) -> str:
        """Run a command as an operator does, beside the running product; answers what it prints."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("GCAL_")}
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "example_app", *words],
            env=env | {"RUN_DIR": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def running_product(folder: Path) -> Iterator[Product]:
    """Start everything with one command, as a newcomer does; ended with SIGTERM."""
    port = free_port()
    env = {"RUN_DIR": str(folder), "PORT": str(port)}
    command = [sys.executable, "-m", "example_app"]
    root = Path(__file__).parents[2]
    with Child(command, log=folder / "run.log", name="make run", cwd=root, env=env) as process:
        process.wait_for("Ctrl-C ends everything", timeout=120)
        yield Product(f"http://127.0.0.1:{port}", folder, process)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The running product, for the tests of a module."""
    with running_product(tmp_path_factory.mktemp("run")) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh browser session, in Dutch, with a phone's width."""
    context = browser.new_context(locale="nl-NL", viewport={"width": 390, "height": 844})
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()
