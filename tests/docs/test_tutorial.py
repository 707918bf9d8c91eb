"""A stranger's path: the pages that begin with nothing, typed word by word.

From an empty folder, in terminals with a clean environment: the virtual environment, `pip install`
(of the wheel that is built here, with what it needs from where pip finds packages on this machine),
the portal, the settings, the first forward. Then the pages that go on from there: brand it, and
operate it from nothing. Only the addresses are others, since Google's is nearer and ports are free
ones. The versions are those of the lock; in `make test-full` also the newest that pip finds.
"""

from __future__ import annotations

import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from example_app.fake_google.process import LocalGoogle
from gcal_plugin.store.crypto import new_key
from tests.servers import RedisServer
from tests.servers.databases import Databases
from tests.servers.ports import free_port, wait_for_port
from tests.support.pages import DOCS, Block, blocks
from tests.support.stranger import Terminal, clean_environment
from tests.support.visitor import Visitor

TUTORIAL = DOCS / "tutorial.md"
JAN = "jan@bakery.example"
FIRST = "first in each new terminal"
EACH = "each in a terminal of its own"
MOUNT = blocks(DOCS / "mount.md", heading="## 1. Install")[0].lines
"""Typed in the same environment: the extras beside what is there."""


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


@pytest.fixture(scope="module")
def google() -> Iterator[LocalGoogle]:
    with LocalGoogle() as running:
        running.add_account(JAN)
        yield running


@pytest.fixture(
    scope="module", params=["locked", pytest.param("newest", marks=pytest.mark.full)]
)  # fmt: skip
def stranger(
    request: pytest.FixtureRequest,
    google: LocalGoogle,
    redis_server: RedisServer,
    archives: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stranger]:
    root = tmp_path_factory.mktemp("stranger")
    wheel, sdist = archives
    (root / "srv").mkdir()
    redis_server.flush()
    web, pbx = free_port(), free_port()
    here = {
        "YOUR-CLIENT-ID": google.client_id,
        "YOUR-CLIENT-SECRET": google.client_secret,
        "redis://127.0.0.1:6379/0": redis_server.url(),
        "8080": str(pbx),
        "5000": str(web),
        "POLL_SECONDS=10": "POLL_SECONDS=1",
    }

    def mine(line: str) -> str:
        for theirs, ours in here.items():
            line = line.replace(theirs, ours)
        return line

    env = clean_environment(root, wheels=wheel.parent, pinned=request.param == "locked")
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


@pytest.mark.timeout(500)
def test_pip_installs_the_wheel_and_what_it_needs(stranger: Stranger) -> None:
    begun = [line for block in blocks(TUTORIAL) for line in block.lines][:5]
    assert begun == [
        "mkdir portal",
        "cd portal",
        "python3 -m venv venv",
        ". venv/bin/activate",
        'pip install "gcal-plugin"',
    ]
    where = stranger.terminal.type(
        "python3 -c 'import gcal_plugin, sys; print(sys.prefix, gcal_plugin.__path__[0])'"
    ).split()
    assert Path(where[0]) == stranger.portal / "venv"
    package = Path(where[1])
    assert package.is_relative_to(stranger.portal / "venv")
    # It is what was built just now, and not one of the same name from elsewhere.
    with zipfile.ZipFile(stranger.wheel) as archive:
        (record,) = [one for one in archive.namelist() if one.endswith(".dist-info/RECORD")]
        built = {line for line in archive.read(record).decode().splitlines() if "sha256" in line}
    assert len(built) > 200
    assert built - set((package.parent / record).read_text().splitlines()) == set()
    for line in MOUNT:
        stranger.terminal.type(line, seconds=200)
    stranger.terminal.type("python3 -c 'import psycopg, psycopg_pool'")
    stranger.terminal.type("pip check")


@pytest.mark.timeout(300)
def test_the_first_forward(stranger: Stranger, google: LocalGoogle) -> None:
    tables, first, each, extension, held = stranger.rest
    assert (first.title, each.title) == (FIRST, EACH)
    assert held.lines == ["cat held.json"]
    terminal = stranger.terminal
    for line in tables.lines:
        terminal.type(stranger.mine(line))
    with ExitStack() as stack:
        for place, line in enumerate(each.lines):
            other = stack.enter_context(stranger.open(f"terminal-{place}"))
            for before in first.lines:
                other.type(before)
            other.leave(stranger.mine(line))
        for port in (stranger.web, stranger.pbx):
            wait_for_port(port, timeout=60)
        provision, doctor = extension.lines
        terminal.type(stranger.mine(provision))
        _first_forward(google, stranger, lambda: terminal.type(held.lines[0]))
        said = terminal.type(doctor, codes=(1,))
        assert re.findall(r"^MEND ([^:\n]*)", said, re.MULTILINE) == ["push address"]
        assert len(re.findall(r"^ok ", said, re.MULTILINE)) > 8


def _first_forward(google: LocalGoogle, stranger: Stranger, held: Callable[[], str]) -> None:
    home = f"http://127.0.0.1:{stranger.web}"
    calendar = google.add_calendar("shop@bakery.example", JAN, summary="Shop")
    now = datetime.now(UTC)
    with Visitor(home) as jan:
        jan.get(f"{home}/login")
        assert "Google Calendar Integration" in jan.text
        jan.get(f"{home}/google-calendar/")
        assert "Continue with Google" in jan.text
        jan.submit("/google-calendar/connect")
        jan.consent(JAN)
        jan.submit("/google-calendar/calendars", calendar=calendar)
        event = google.add_event(
            calendar, "0612345678", now - timedelta(minutes=1), now + timedelta(hours=1)
        )
        # The exchange's file is there from the first thing on that it is told.
        _soon("the exchange's file", (stranger.portal / "held.json").exists)
        _soon("the forward", lambda: "+31612345678" in held())
        jan.get(f"{home}/google-calendar/")
        assert "Forwarded to 06 12345678" in jan.text.replace("\u00a0", " ")
        google.delete_event(calendar, event["id"])
        _soon("its end", lambda: "+31612345678" not in held())


@pytest.mark.timeout(300)
def test_a_brand_of_ones_own(stranger: Stranger) -> None:
    (block,) = [one for one in blocks(DOCS / "brand.md") if one.language == "console"]
    *lines, preview = block.lines
    assert preview.startswith("flask gcal theme preview")
    port, web = free_port(), free_port()
    with stranger.open("brand") as terminal, stranger.open("branded") as server:
        for line in [*_first(), *lines]:
            terminal.type(line)
        for file in re.findall(r"`(themes/my-brand/[\w./]+)`", (DOCS / "brand.md").read_text()):
            assert (stranger.portal / file).is_file()
        terminal.leave(f"{preview} --port {port}")
        address = re.compile(r"^http://127\.0\.0\.1\S+", re.MULTILINE)
        page = _soon("the preview", lambda: address.search(terminal.said()))
        assert page is not None
        _soon("its page", lambda: "My Brand" in _page(page[0]))
        for line in [*_first(), lines[0], "export FLASK_GCAL_THEME=my-brand"]:
            server.type(line)
        server.type("flask gcal db upgrade")
        server.leave(f"flask run --port {web}")
        wait_for_port(web, timeout=60)
        with Visitor(f"http://127.0.0.1:{web}") as jan:
            jan.get("/login")
            jan.get("/google-calendar/")
            assert "My Brand" in jan.page


NEEDS_SYSTEMD = {
    "systemctl daemon-reload": "asks a running service manager to read its files again",
    "systemctl enable --now": "--now starts the units, which the test does by hand",
}
"""What a container without a service manager cannot do, and what is done for it."""


@pytest.mark.timeout(500)
def test_from_nothing_on_a_server(
    stranger: Stranger, databases: Databases, redis_server: RedisServer
) -> None:
    """As the operator's page has it, in a root of its own, with the files of the source archive."""
    root, source = stranger.root, stranger.root / "source"
    for folder in (source, root / "etc/systemd/system", root / "run/portal"):
        folder.mkdir(parents=True)

    def here(line: str) -> str:
        """The same below the root, by whoever runs the tests."""
        line = re.sub(r"(?<![\w./])/(?=(?:srv|etc|run)/)", f"{root}/", line)
        line = line.replace("unix:/run/", f"unix:{root}/run/")
        return line.replace("-o root -g portal", "-o $(id -un) -g $(id -gn)")

    with ExitStack() as stack:
        values = _server_settings(stack.enter_context(databases.fresh("postgres")), redis_server)
        terminal = stack.enter_context(stranger.open("server"))
        terminal.type(f"tar -xzf {stranger.sdist} --strip-components=1 -C {source}; cd {source}")
        (source / "portal.env").write_text("".join(f"{k}={v}\n" for k, v in values.items()))
        for shown in server_lines():
            if shown in NEEDS_SYSTEMD:
                continue
            line = here(shown).replace("systemctl enable --now", f"systemctl --root={root} enable")
            if "doctor" not in line:
                terminal.type(line, seconds=400)
                continue
            # No process of ours runs yet, and nothing is there beyond this machine.
            said = terminal.type(line, codes=(1,))
            wrong = re.findall(r"^MEND ([^:\n]*)", said, re.MULTILINE)
            assert wrong == ["clock", "push address", "exchange main"], said
            assert "tables" in said
        units = root / "etc/systemd/system"
        enabled = list((units / "multi-user.target.wants").iterdir())
        assert len(enabled) == 6
        assert all((units / link.readlink().name).exists() for link in enabled)
        started = {}
        for name in ("gcal-web", "gcal-clock"):
            (command,) = re.findall(
                r"^ExecStart=(.+)$", (units / f"{name}.service").read_text(), re.MULTILINE
            )
            log = root / f"{name}.log"
            started[name] = Terminal(stranger.portal, stranger.env | values, log=log)
            stack.enter_context(started[name]).leave(here(command))
        _soon("gunicorn", lambda: "Listening at:" in started["gcal-web"].said(), seconds=60)
        door = httpx.HTTPTransport(uds=str(root / "run/portal/web.sock"))
        http = stack.enter_context(
            httpx.Client(transport=door, base_url="http://portal.example", timeout=60)
        )

        def ready() -> bool:
            answer = http.get("/google-calendar/readyz")
            return answer.status_code == 200 and answer.json()["clock"] is True

        _soon("web and clock", ready, seconds=90)


def _server_settings(database: str, redis: RedisServer) -> dict[str, str]:
    """What the page has in `portal.env`, filled in; nothing is asked beyond this machine."""
    shown = blocks(DOCS / "operate.md", heading="### From nothing")
    (ini,) = [one for one in shown if one.language == "ini"]
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    line = {"backend": "webhook", "url": f"http://127.0.0.1:{free_port()}", "secret": secret}
    filled = {
        "FLASK_SQLALCHEMY_DATABASE_URI": database,
        "FLASK_SECRET_KEY": "s3cret",
        "FLASK_GCAL_REDIS_URL": redis.url(),
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


def server_lines() -> list[str]:
    """What the operator's page has typed on a new machine."""
    shown = blocks(DOCS / "operate.md", heading="### From nothing")
    return [line for one in shown if one.language == "console" for line in one.lines]


def _first() -> list[str]:
    (block,) = [one for one in blocks(TUTORIAL) if one.title == FIRST]
    return block.lines


def _page(address: str) -> str:
    try:
        return httpx.get(address, timeout=20).text
    except httpx.TransportError:
        return ""  # it does not listen yet


T = TypeVar("T")


def _soon(what: str, happened: Callable[[], T], seconds: float = 40) -> T:
    """Ask until the answer is true; gives it."""
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.2)
    return found
