"""A stranger's path: the pages that begin with nothing, typed word by word.

From an empty folder, in terminals with a clean environment: the virtual environment, `pip install`
(of the wheel that is built here, with what it needs from where pip finds packages on this machine),
the portal, the settings, the first forward. Then the pages that go on from there: brand it, mount
it in a portal that has people and pages already, operate it from nothing. Only the addresses are
others, since Google is nearer and ports are free ones. The versions are those of the lock; in
`make test-full` also the newest that pip finds.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from example_app.fake_google.process import LocalGoogle
from tests.servers import RedisServer
from tests.servers.databases import Databases
from tests.servers.ports import free_port, wait_for_port
from tests.support import portal_before
from tests.support.following import (
    FIRST,
    TUTORIAL,
    Stranger,
    first_lines,
    follow,
    server_lines,
    server_settings,
    soon,
)
from tests.support.pages import DOCS, blocks
from tests.support.stranger import Terminal
from tests.support.visitor import Visitor

JAN = "jan@bakery.example"
EACH = "each in a terminal of its own"
MOUNT = blocks(DOCS / "mount.md", heading="## 1. Install")[0].lines
"""Typed in the same environment: the extras beside what is there."""


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
    redis_server.flush()
    pinned = request.param == "locked"
    root = tmp_path_factory.mktemp("stranger")
    with follow(root, archives, google, redis_server.url(), pinned=pinned) as followed:
        yield followed


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
        soon("the exchange's file", (stranger.portal / "held.json").exists)
        soon("the forward", lambda: "+31612345678" in held())
        jan.get(f"{home}/google-calendar/")
        assert "Forwarded to 06 12345678" in jan.text.replace("\u00a0", " ")
        google.delete_event(calendar, event["id"])
        soon("its end", lambda: "+31612345678" not in held())


@pytest.mark.timeout(300)
def test_a_brand_of_ones_own(stranger: Stranger) -> None:
    (block,) = [one for one in blocks(DOCS / "brand.md") if one.language == "console"]
    *lines, preview = block.lines
    assert preview.startswith("flask gcal theme preview")
    port, web = free_port(), free_port()
    with stranger.open("brand") as terminal, stranger.open("branded") as server:
        for line in [*first_lines(), *lines]:
            terminal.type(line)
        for file in re.findall(r"`(themes/my-brand/[\w./]+)`", (DOCS / "brand.md").read_text()):
            assert (stranger.portal / file).is_file()
        terminal.leave(f"{preview} --port {port}")
        address = re.compile(r"^http://127\.0\.0\.1\S+", re.MULTILINE)
        page = soon("the preview", lambda: address.search(terminal.said()))
        assert page is not None
        soon("its page", lambda: "My Brand" in _page(page[0]))
        for line in [*first_lines(), lines[0], "export FLASK_GCAL_THEME=my-brand"]:
            server.type(line)
        server.type("flask gcal db upgrade")
        server.leave(f"flask run --port {web}")
        wait_for_port(web, timeout=60)
        with Visitor(f"http://127.0.0.1:{web}") as jan:
            jan.get("/login")
            jan.get("/google-calendar/")
            assert "My Brand" in jan.page


@pytest.mark.timeout(300)
def test_mounted_in_a_portal_that_is_there(stranger: Stranger) -> None:
    """The class and the ten lines of the page as they stand, beside a portal's own tables."""
    page = DOCS / "mount.md"
    web = free_port()
    (entry,) = [one.text for one in blocks(page) if one.language == "jinja"]
    portal_before.write(stranger.portal, entry)
    added = [one for one in blocks(page) if one.title]
    assert [one.title for one in added] == ["myportal/calendar.py", "myportal/__init__.py"]
    for block in added:
        (stranger.portal / block.title).write_text(block.text)
    lines = [line for one in blocks(page) for line in one.lines]
    tables, doctor, provision = (
        next(line for line in lines if line.startswith(f"flask gcal {name}"))
        for name in ("db", "doctor", "provision")
    )
    exchange = next(one for one in blocks(TUTORIAL) if one.title == EACH).lines[0]
    with ExitStack() as stack:
        names = ("mounted", "mounted-pages", "mounted-exchange")
        terminal, server, pbx = (stack.enter_context(stranger.open(name)) for name in names)
        for one in (terminal, server, pbx):
            for line in first_lines():
                one.type(line)
            one.type(
                "export FLASK_APP=whole FLASK_SQLALCHEMY_DATABASE_URI=sqlite:///mounted.sqlite"
            )
        pbx.leave(stranger.mine(exchange))
        terminal.type(tables)
        terminal.type("printf 'from myportal.users import fill; fill()' | flask shell")
        server.leave(f"flask run --port {web}")
        for port in (web, stranger.pbx):
            wait_for_port(port, timeout=60)
        said = terminal.type(doctor, codes=(1,))
        wrong = re.findall(r"^MEND ([^:\n]*)", said, re.MULTILINE)
        assert wrong == ["clock", "push address"], said
        home = f"http://127.0.0.1:{web}"
        with Visitor(home) as jan:
            jan.get(f"{home}/login")
            assert "Settings Google Calendar Integration" in jan.text
            jan.get("/google-calendar/")
            assert "Continue with Google" not in jan.text
            terminal.type(provision)
            jan.get("/google-calendar/")
            assert "Continue with Google" in jan.text


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
        values = server_settings(
            stack.enter_context(databases.fresh("postgres")), redis_server.url()
        )
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
        soon("gunicorn", lambda: "Listening at:" in started["gcal-web"].said(), seconds=60)
        door = httpx.HTTPTransport(uds=str(root / "run/portal/web.sock"))
        http = stack.enter_context(
            httpx.Client(transport=door, base_url="http://portal.example", timeout=60)
        )

        def ready() -> bool:
            answer = http.get("/google-calendar/readyz")
            return answer.status_code == 200 and answer.json()["clock"] is True

        soon("web and clock", ready, seconds=90)


def _page(address: str) -> str:
    try:
        return httpx.get(address, timeout=20).text
    except httpx.TransportError:
        return ""  # it does not listen yet
