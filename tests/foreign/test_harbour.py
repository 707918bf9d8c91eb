"""The plugin in a portal that shares nothing with the example: behind nginx, below a path."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest
from flask import Flask
from werkzeug.serving import make_server

from example_app.fake_google.process import LocalGoogle
from gcal_plugin.google.governed import GovernedCalendars
from gcal_plugin.jobs.clock import Clock
from gcal_plugin.ports import Line
from gcal_plugin.services import syncing
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.store.crypto import new_key
from tests.foreign.harbour import MOUNTED, create_app, db, make_tables
from tests.servers.databases import Databases
from tests.servers.ports import free_port, wait_for_port
from tests.servers.process import Child, find_program
from tests.support.visitor import Visitor

# A server with a thread for each request drops that thread's connection to Google with it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

ADA = "ada@kade.example"
BELOW = "/portaal"

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location {below}/ {{
      proxy_pass http://127.0.0.1:{behind}/;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Prefix {below};
    }}
  }}
}}
"""


@dataclass
class Harbour:
    """The running portal: its address in front of the proxy, its Google, its exchange."""

    app: Flask
    url: str
    google: LocalGoogle

    def rings(self, extension: str) -> set[str]:
        exchange = self.app.extensions["gcal"].telephony["seinpost"]
        held = exchange.read(Line("kade.example", extension))
        return {one.value for one in held.destinations}


@pytest.fixture(scope="module")
def google() -> Iterator[LocalGoogle]:
    with LocalGoogle() as running:
        running.add_account(ADA)
        yield running


@pytest.fixture
def harbour(google: LocalGoogle, databases: Databases, tmp_path: Path) -> Iterator[Harbour]:
    port, behind = free_port(), free_port()
    with databases.fresh("sqlite") as url:
        app = create_app(
            {
                "SECRET_KEY": "kade",
                "SQLALCHEMY_DATABASE_URI": url,
                "SQLALCHEMY_ENGINE_OPTIONS": {"connect_args": {"timeout": 15}},
                "GCAL_GOOGLE_CLIENT_ID": google.client_id,
                "GCAL_GOOGLE_CLIENT_SECRET": google.client_secret,
                "GCAL_GOOGLE_METADATA_URL": google.metadata_url,
                "GCAL_GOOGLE_API_ROOT": google.url,
                "GCAL_ENCRYPTION_KEYS": [new_key()],
                "GCAL_TELEPHONY": {"seinpost": {"backend": "memory"}},
                "GCAL_REDIS_URL": "redis://127.0.0.1:9/0",
                "GCAL_POLL_SECONDS": 0.5,
            }
        )
        with app.app_context():
            make_tables()
        runner = app.test_cli_runner()
        assert runner.invoke(args=["gcal", "db", "upgrade"]).exit_code == 0
        made = runner.invoke(
            args=["gcal", "provision", "--tenant", "kade", "--email", ADA, "--extension", "41"]
        )
        assert made.exit_code == 0, made.output
        conf = tmp_path / "nginx.conf"
        conf.write_text(NGINX.format(folder=tmp_path, port=port, behind=behind, below=BELOW))
        server = make_server("127.0.0.1", behind, app, threaded=True)
        stop = Event()
        threads = [
            Thread(target=server.serve_forever),
            Thread(target=Clock(app).run, args=(stop,)),
        ]
        for thread in threads:
            thread.start()
        with Child([find_program("nginx"), "-c", conf, "-p", tmp_path], log=tmp_path / "nginx.log"):
            wait_for_port(port)
            yield Harbour(app, f"http://127.0.0.1:{port}{BELOW}", google)
        stop.set()
        server.shutdown()
        for thread in threads:
            thread.join(20)
        server.server_close()
        close(app.extensions["gcal"])
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def close(rt: Runtime) -> None:
    """Threads and connections that a process keeps until its end."""
    syncing.close(rt)
    calendars = rt.calendars
    assert isinstance(calendars, GovernedCalendars)
    calendars.close()


def soon(what: str, seconds: float, happened: object) -> None:
    deadline = time.monotonic() + seconds
    while not happened():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.1)


def test_the_main_journey_behind_a_proxy_and_below_a_path(harbour: Harbour) -> None:
    calendar = harbour.google.add_calendar("wacht@kade.example", ADA, summary="Wacht")
    with Visitor(f"{harbour.url}/") as ada:
        # Without a session: to the portal's own log-in, and back to where they were.
        ada.get(f"{harbour.url}{MOUNTED}/")
        assert ada.url == f"{harbour.url}{MOUNTED}/"
        assert "Koppel nu je Google-account." in ada.text
        assert 'class="mast"' in ada.page
        assert "g-header" not in ada.page
        ada.get(f"{harbour.url}/")
        assert f'href="{BELOW}{MOUNTED}/"' in ada.page

        ada.get(f"{harbour.url}{MOUNTED}/")
        ada.submit(f"{MOUNTED}/connect")
        assert httpx.URL(ada.url).params["redirect_uri"] == f"{harbour.url}{MOUNTED}/callback"
        ada.consent(ADA)
        assert ADA in ada.text
        ada.submit(f"{MOUNTED}/calendars", calendar=calendar)
        assert ada.url == f"{harbour.url}{MOUNTED}/"

        now = datetime.now(UTC)
        event = harbour.google.add_event(
            calendar, "06 12345678", now - timedelta(minutes=1), now + timedelta(hours=1)
        )
        soon("the forward", 25, lambda: harbour.rings("41") == {"+31612345678"})
        ada.get(f"{harbour.url}{MOUNTED}/")
        assert "Doorgeschakeld naar 06 12345678" in ada.text.replace("\u00a0", " ")
        harbour.google.delete_event(calendar, event["id"])
        soon("its end", 25, lambda: harbour.rings("41") == set())

        ada.get(f"{harbour.url}{MOUNTED}/disconnect")
        ada.submit(f"{MOUNTED}/disconnect")
        assert "Ontkoppeld" in ada.text

        ada.get(f"{harbour.url}{MOUNTED}/operator/")
        assert ada.status == 200
    ready = httpx.get(f"{harbour.url}{MOUNTED}/readyz")
    assert ready.json() == {
        "status": "degraded", "database": True, "migrations": True, "queue": False, "clock": True,
    }  # fmt: skip


def test_its_own_migrations_and_tables_stay_its_own(harbour: Harbour) -> None:
    with harbour.app.app_context():
        tables = set(db.inspect(db.engine).get_table_names())
        assert db.metadata.tables == {}
    assert "skipper" in tables
    assert {name for name in tables if name.startswith("gcal_")}
