"""The whole of switching in real processes: database, Redis, demo PBX, workers, clock.

Each part can be killed, paused, cut off and brought back while edges pass.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from gcal_plugin.domain.destination import Destination
from gcal_plugin.google.calendar import GoogleCalendars
from gcal_plugin.jobs.queue import RqWake
from gcal_plugin.ports import Line
from gcal_plugin.store.crypto import new_key
from gcal_plugin.telephony.webhook import WebhookTelephony
from tests.servers.ports import free_port, wait_for_port
from tests.servers.process import Child

from .host import make_host
from .lines import World

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G"
ROOT = Path(__file__).parents[2]


class RealClock:
    """The wall clock, for worlds whose time passes by itself."""

    @property
    def at(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Pbx:
    """A demo PBX in a process of its own."""

    child: Child
    port: int
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rings(self, extension: str, domain: str = "bakkerij.example") -> set[str]:
        """Who rings at a line now."""
        answer = self.http.get(
            f"{self.url}/_control/rings", params={"domain": domain, "extension": extension}
        ).json()
        return {one["value"] for one in answer["destinations"]}

    def history(self, extension: str | None = None) -> list[dict[str, Any]]:
        """Every write that changed something, oldest first."""
        writes: list[dict[str, Any]] = self.http.get(f"{self.url}/_control/history").json()[
            "writes"
        ]
        return [one for one in writes if extension in (None, one["extension"])]

    def faults(self, **body: Any) -> None:
        """From now on this fault and nothing else; none heals it."""
        self.http.put(f"{self.url}/_control/faults", json=body).raise_for_status()

    def refuse(self, *values: str) -> None:
        """Destinations that this exchange does not take."""
        self.http.put(
            f"{self.url}/_control/exchange", json={"refused": list(values)}
        ).raise_for_status()

    def by_hand(self, line: Line, *values: str) -> None:
        """Somebody changes the forward on the phone itself."""
        phone = WebhookTelephony("phone", self.url, SECRET)
        held = phone.read(line)
        wanted = frozenset(Destination.parse(value) for value in values)
        phone.replace(line, wanted, revision=held.revision + 1)
        phone.close()


@contextmanager
def demo_pbx(folder: Path, name: str = "pbx") -> Iterator[Pbx]:
    """A demo PBX that remembers over restarts."""
    port = free_port()
    child = Child(
        [
            sys.executable,
            "-m",
            "example_app.demo_pbx",
            "--port",
            str(port),
            "--secret",
            SECRET,
            "--data",
            str(folder / f"{name}.jsonl"),
        ],
        log=folder / f"{name}.log",
        name=name,
        cwd=ROOT,
    )
    with child:
        wait_for_port(port)
        pbx = Pbx(child, port)
        yield pbx
        pbx.http.close()


@dataclass
class Stage:
    """Everything that runs, by name."""

    folder: Path
    host: dict[str, Any]
    world: World
    pbx: Pbx
    stack: ExitStack
    children: dict[str, Child] = field(default_factory=dict)

    def worker(self, queue: str = "gcal-switch", name: str = "worker", **env: str) -> Child:
        """Start a worker of one queue."""
        return self._start(name, ["worker", queue], env)

    def clock(self, name: str = "clock", **env: str) -> Child:
        """Start a clock."""
        return self._start(name, ["clock"], env)

    def _start(self, name: str, arguments: list[str], env: dict[str, str]) -> Child:
        child = Child(
            [sys.executable, "-m", "tests.support.host", *arguments],
            log=self.folder / f"{name}.log",
            name=name,
            cwd=ROOT,
            env={"HOST": json.dumps(self.host), **env},
        )
        self.stack.enter_context(child)
        child.wait_for("ready", timeout=20)
        self.children[name] = child
        return child

    def soon(
        self,
        what: Callable[[], object],
        expected: object,
        *,
        within: float = 15.0,
    ) -> float:
        """Wait until `what()` is as expected; answers how long that took."""
        began = time.monotonic()
        while True:
            seen = what()
            if seen == expected:
                return time.monotonic() - began
            if time.monotonic() - began > within:
                logs = "".join(child.tail() for child in self.children.values())
                raise AssertionError(f"{seen!r} after {within} s, not {expected!r}{logs}")
            time.sleep(0.05)

    def hang_up(self) -> None:
        """Close what this process itself holds open."""
        rt = self.world.rt
        for exchange in rt.telephony.values():
            if isinstance(exchange, WebhookTelephony):
                exchange.close()
        if isinstance(rt.calendars, GoogleCalendars):
            rt.calendars.close()
        if isinstance(rt.wake, RqWake):
            rt.wake.close()

    def know(self, link_id: UUID) -> None:
        """Have the line read once, so that nothing about it is unknown."""
        self.world.change(link_id)
        self.soon(lambda: self.world.row(link_id).observed is not None, True)

    def forward(
        self, link_id: UUID, value: str, start: float, seconds: float
    ) -> tuple[datetime, datetime]:
        """An event from `start` seconds from now, `seconds` long; answers its edges."""
        begin = datetime.now(UTC) + timedelta(seconds=start)
        end = begin + timedelta(seconds=seconds)
        self.world.window(link_id, value, begin, end)
        return begin, end


@contextmanager
def make_stage(
    folder: Path,
    database: str,
    redis: str,
    *,
    telephony: dict[str, dict[str, Any]] | None = None,
    google: str = "http://127.0.0.1:9",
    pbx_port: Callable[[Pbx], int] = lambda pbx: pbx.port,
    **settings: Any,
) -> Iterator[Stage]:
    """A stage on a database that has the schema; nothing but the PBX runs yet.

    `pbx_port` may put something between us and the PBX.
    """
    with ExitStack() as stack:
        pbx = stack.enter_context(demo_pbx(folder))
        entry = {
            "backend": "webhook",
            "url": f"http://127.0.0.1:{pbx_port(pbx)}",
            "secret": SECRET,
            "timeout": 2.0,
            "allow_loopback": True,
        }
        host = {
            "database": database,
            "redis": redis,
            "telephony": telephony or {"main": entry},
            "google": google,
            "keys": [new_key()],
            "settings": {"arm_ahead_seconds": 2.5, **settings},
        }
        app = make_host(host)
        with app.app_context():
            world = World(app.extensions["gcal"], app, RealClock())  # type: ignore[arg-type]
            stage = Stage(folder, host, world, pbx, stack)
            yield stage
            stage.hang_up()
            db = app.extensions["sqlalchemy"]
            db.session.remove()
            db.engine.dispose()
