"""Somebody who follows the documentation: the tutorial up to its tables, then what comes next."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from example_app.fake_google.process import LocalGoogle
from gcal_plugin.store.crypto import new_key
from tests.servers.ports import free_port

from .pages import DOCS, Block, blocks
from .stranger import Terminal, clean_environment

TUTORIAL = DOCS / "tutorial.md"
FIRST = "first in each new terminal"


@dataclass
class Stranger:
    """Somebody who has followed the tutorial up to its tables."""

    root: Path  # with srv/portal below it
    env: dict[str, str]
    terminal: Terminal
    rest: list[Block]  # what the tutorial has them type next
    mine: Callable[[str], str]  # a line, with the addresses that hold here
    wheel: Path
    sdist: Path
    web: int
    pbx: int

    @property
    def portal(self) -> Path:
        return self.root / "srv" / "portal"

    def open(self, name: str) -> Terminal:
        """Another terminal, where the first one was opened."""
        return Terminal(self.root / "srv", self.env, log=self.root / f"{name}.log")


@contextmanager
def follow(
    root: Path, archives: tuple[Path, Path], google: LocalGoogle, redis: str, *, pinned: bool
) -> Iterator[Stranger]:
    """Type the tutorial in an empty folder until its settings are kept: a minute or less.

    `archives` are the wheel and the sdist, `redis` is the address of an empty one. `pinned` keeps
    what the wheel needs to the versions of the lock.
    """
    wheel, sdist = archives
    (root / "srv").mkdir()
    web, pbx = free_port(), free_port()
    here = {
        "YOUR-CLIENT-ID": google.client_id,
        "YOUR-CLIENT-SECRET": google.client_secret,
        "redis://127.0.0.1:6379/0": redis,
        "8080": str(pbx),
        "5000": str(web),
        "POLL_SECONDS=10": "POLL_SECONDS=1",
    }

    def mine(line: str) -> str:
        for theirs, ours in here.items():
            line = line.replace(theirs, ours)
        return line

    env = clean_environment(root, wheels=wheel.parent, pinned=pinned)
    env |= {  # Google itself, nearer
        "FLASK_GCAL_GOOGLE_METADATA_URL": google.metadata_url,
        "FLASK_GCAL_GOOGLE_API_ROOT": google.url,
    }
    rest = blocks(TUTORIAL)
    with Terminal(root / "srv", env, log=root / "first.log") as terminal:
        new = Stranger(root, env, terminal, rest, mine, wheel, sdist, web, pbx)
        while not (new.portal / "settings.sh").exists():
            block = rest.pop(0)
            if block.language == "python":
                (new.portal / block.title).write_text(block.text)
                _download(new.portal)
                continue
            for line in block.lines:
                terminal.type(mine(line), seconds=400)
        yield new


def _download(folder: Path) -> None:
    """The file that the page links to."""
    (name,) = re.findall(r"\]\((\w+\.py)\)", TUTORIAL.read_text())
    (folder / name).write_bytes((DOCS / name).read_bytes())


def first_lines() -> list[str]:
    """What a new terminal begins with."""
    (block,) = [one for one in blocks(TUTORIAL) if one.title == FIRST]
    return block.lines


def server_lines() -> list[str]:
    """What the operator's page has typed on a new machine."""
    shown = blocks(DOCS / "operate.md", heading="### From nothing")
    return [line for one in shown if one.language == "console" for line in one.lines]


def server_settings(database: str, redis: str) -> dict[str, str]:
    """What the page has in `portal.env`, filled in; nothing is asked beyond this machine."""
    shown = blocks(DOCS / "operate.md", heading="### From nothing")
    (ini,) = [one for one in shown if one.language == "ini"]
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    line = {"backend": "webhook", "url": f"http://127.0.0.1:{free_port()}", "secret": secret}
    filled = {
        "FLASK_SQLALCHEMY_DATABASE_URI": database,
        "FLASK_SECRET_KEY": "s3cret",
        "FLASK_GCAL_REDIS_URL": redis,
        "FLASK_GCAL_ENCRYPTION_KEYS": json.dumps([new_key()]),
        "FLASK_GCAL_GOOGLE_CLIENT_ID": "id",
        "FLASK_GCAL_GOOGLE_CLIENT_SECRET": "s3cret",
        "FLASK_GCAL_PUBLIC_URL": "https://127.0.0.1:9",
        "FLASK_GCAL_TELEPHONY": json.dumps({"main": line | {"allow_loopback": True}}),
        "FLASK_GCAL_METRICS_TOKEN": "t0ken-of-the-scraper",
    }
    values = dict(line.split("=", 1) for line in ini.lines)
    assert filled.keys() <= values.keys()
    return values | filled


T = TypeVar("T")


def soon(what: str, happened: Callable[[], T], seconds: float = 40) -> T:
    """Ask until the answer is true; gives it."""
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.2)
    return found
