"""An edit in the calendar until it stands on the exchange, at fifty edits a second.

Whole product, in processes of its own: web (the hook), a worker that fetches, one that switches,
the clock; Postgres, Redis, the demo PBX, the local Google with real notifications. Each edit gives
an event that is on another number, so that each has to reach the exchange. Timed from before the
edit is sent to Google, which is earlier than the notification's arrival, until the exchange has its
number or that of a later edit of the same event. All processes are there, and everybody's first
number stands on the exchange, before it begins.

As on any morning, nobody was fetched for hours: every access token has expired, and the token
endpoint takes a tenth of a second. So each calendar's first edit waits for its own refresh; and
beside the edits as many other calendars fall due for their safety fetch, evenly over the time,
each with a refresh of its own, for which no edit may wait.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import sqlalchemy as sa

from example_app.fake_google.process import LocalGoogle
from gcal_plugin.services import syncing, watching
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.store.tables import Calendar, Grant
from tests.servers.ports import free_port, wait_for_port
from tests.servers.process import Child

from .change_host import create_app
from .change_peer import POLL_SECONDS, Poller
from .herd_world import ROOT, Ground, entry, ground
from .sync_world import PER_MINUTE, populate

LIMIT = 1.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--calendars", type=int, default=600)
    parser.add_argument("--rate", type=float, default=50.0, help="edits a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--others", type=int, default=600, help="calendars that fall due beside")
    parser.add_argument(
        "--refresh-seconds", type=float, default=0.1, help="how long the token endpoint takes"
    )


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit: which calendar, the new title, and when it was sent."""

    calendar: str
    title: str
    sent_at: float

    @property
    def value(self) -> str:
        return f"+31{self.title[1:]}"


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure; `ours` and `peer` are the ninety-ninth of a hundred, in seconds."""
    with ground() as place, LocalGoogle(check_schema=False) as google:
        google.control(
            "POST", "settings", {"per_minute": PER_MINUTE, "per_user_minute": PER_MINUTE}
        )
        everybody = google.bulk(options.calendars + options.others)
        people = everybody[: options.calendars]
        events = _events(google, people)
        port = free_port()
        env = place.host({"main": entry(place.pbx_url)})
        values = json.loads(env["HOST"])
        values |= {"google": google.url, "public_url": f"http://127.0.0.1:{port}"}
        env = {"HOST": json.dumps(values)}
        _start(place, env, port)
        os.environ |= env
        app = create_app()
        with app.app_context():
            rt: Runtime = app.extensions["gcal"]
            _link(rt, everybody, len(people), say)
        peer = Poller(google.url, people)
        peer.start()
        _settle(place, options.calendars)
        say("editing")
        google.fault("latency", endpoint="oauth.token", seconds=options.refresh_seconds)
        with app.app_context():
            _grow_cold(rt, options.seconds)
        google.clear_log()
        before = len(place.history(0))
        edits = _edit(google, people, events, options)
        ours = _ours(place, edits, before, say)
        say(f"ours: p50 {_at(ours, 0.5)} s, p99 {_at(ours, 0.99)} s, {len(ours)} edits")
        refreshes = int(google.counters()["endpoints"].get("oauth.token", 0))
        time.sleep(POLL_SECONDS + 2)
        peer.stop()
    theirs = _theirs(peer, edits)
    return {
        "ours": _at(ours, 0.99),
        "peer": _at(theirs, 0.99),
        "ratio": round(_at(theirs, 0.99) / _at(ours, 0.99), 1),
        "unit": "s",
        "limit": LIMIT,
        "passed": len(ours) == len(edits) and _at(ours, 0.99) <= LIMIT,
        "p50_s": _at(ours, 0.5),
        "p99_s": _at(ours, 0.99),
        "max_s": _at(ours, 1.0),
        "lost": len(edits) - len(ours),
        "edits": len(edits),
        "others": options.others,
        "refreshes": refreshes,
        "refresh_s": options.refresh_seconds,
        "rate": round(len(edits) / (edits[-1].sent_at - edits[0].sent_at), 1),
        "peer_name": f"gcal-sync, polling every {POLL_SECONDS:.0f} s, without an exchange",
        "peer_p50_s": _at(theirs, 0.5),
        "load": round(os.getloadavg()[0], 2),
    }


def _events(google: LocalGoogle, people: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Give everybody an event that is on now; answers its id by calendar."""
    start = datetime.now(UTC) - timedelta(hours=1)
    end = start + timedelta(hours=20)

    def add(number: int) -> tuple[str, str]:
        calendar = people[number]["calendar"]
        body = google.add_event(calendar, f"061{9_000_000 + number:07d}", start, end)
        return calendar, str(body["id"])

    with ThreadPoolExecutor(4) as pool:
        return dict(pool.map(add, range(len(people))))


def _start(place: Ground, env: dict[str, str], port: int) -> None:
    app = "benchmarks.change_host:create_app"
    commands = {
        "web": [
            *("gunicorn", "-k", "gthread", "--threads", "8"),
            *("-b", f"127.0.0.1:{port}", f"{app}()"),
        ],
        "sync": ["flask", "--app", app, "gcal", "worker", "--queue", "gcal-sync"],
        "switch": ["flask", "--app", app, "gcal", "worker", "--queue", "gcal-switch"],
        "clock": ["flask", "--app", app, "gcal", "clock"],
    }
    children = {}
    for name, command in commands.items():
        children[name] = place.stack.enter_context(
            Child(
                [sys.executable, "-m", *command],
                log=place.folder / f"{name}.log",
                name=name,
                cwd=ROOT,
                env={**os.environ, **env},
            )
        )
    wait_for_port(port)
    answer = httpx.get(f"http://127.0.0.1:{port}/google-calendar/healthz", timeout=60)
    answer.raise_for_status()
    for name in ("sync", "switch"):
        children[name].wait_for("worker_listens", timeout=60)
    children["clock"].wait_for("clock_leads", timeout=60)


def _link(
    rt: Runtime, people: Sequence[dict[str, Any]], edited: int, say: Callable[[str], None]
) -> None:
    """Link and read all of them; the first `edited` get a push channel."""
    ids = populate(rt, people)
    syncing.sync_calendars(rt, ids)
    say(f"opening {edited} push channels")
    for calendar_id in ids[:edited]:
        if not watching.open_channel(rt, calendar_id):
            raise RuntimeError("a push channel could not be opened")
    with rt.store.begin() as session:
        later = datetime.now(UTC) + timedelta(hours=6)
        session.execute(sa.update(Calendar).values(next_sync_at=later))
    syncing.close(rt)


def _grow_cold(rt: Runtime, seconds: float) -> None:
    """Have every token expired, and those without a channel fall due over the coming time."""
    now = datetime.now(UTC)
    with rt.store.begin() as session:
        session.execute(sa.update(Grant).values(access_expires_at=now))
        others = session.scalars(sa.select(Calendar.id).where(Calendar.push_state != "open")).all()
        for place, calendar_id in enumerate(others):
            due = now + timedelta(seconds=seconds * place / len(others))
            session.execute(
                sa.update(Calendar).where(Calendar.id == calendar_id).values(next_sync_at=due)
            )


def _settle(place: Ground, lines: int) -> None:
    """Wait until the exchange has everybody's first number."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        held = {
            (one["domain"], one["extension"]) for one in place.history(0) if one["destinations"]
        }
        if len(held) == lines:
            time.sleep(2)
            return
        time.sleep(1)
    raise RuntimeError("the exchange never got everybody's first number")


def _edit(
    google: LocalGoogle,
    people: Sequence[dict[str, Any]],
    events: dict[str, str],
    options: argparse.Namespace,
) -> list[Edit]:
    """Edit at an even pace, whether or not anybody keeps up."""
    count = int(options.rate * options.seconds)
    begin = time.time() + 0.5

    def one(number: int) -> Edit:
        calendar = people[number % len(people)]["calendar"]
        title = f"061{1_000_000 + number:07d}"
        time.sleep(max(0.0, begin + number / options.rate - time.time()))
        edit = Edit(calendar, title, time.time())
        google.patch_event(calendar, events[calendar], summary=title)
        return edit

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(count)))


def _ours(
    place: Ground, edits: Sequence[Edit], before: int, say: Callable[[str], None]
) -> list[float]:
    """Seconds from each edit until the exchange took a state that names its number."""
    deadline = time.monotonic() + 30
    arrived: dict[str, float] = {}
    while True:
        for write in place.history(before):
            at = datetime.fromisoformat(write["at"]).timestamp()
            named = [one["value"] for one in write["destinations"]]
            named += [one["destination"]["value"] for one in write.get("windows", ())]
            for value in named:
                arrived.setdefault(value, at)
        waits = _waits(edits, lambda edit: arrived.get(edit.value))
        if len(waits) == len(edits) or time.monotonic() >= deadline:
            return waits
        say(f"{len(edits) - len(waits)} edits not there yet")
        time.sleep(2)


def _theirs(peer: Poller, edits: Sequence[Edit]) -> list[float]:
    """Seconds until the peer saw each edit."""
    return _waits(edits, lambda edit: peer.seen.get((edit.calendar, edit.title)))


def _waits(edits: Sequence[Edit], seen: Callable[[Edit], float | None]) -> list[float]:
    """Seconds until each edit, or a later one of the same calendar, was seen; sorted."""
    waits: list[float] = []
    first: dict[str, float] = {}
    for edit in reversed(edits):
        at = seen(edit)
        if at is not None:
            first[edit.calendar] = min(at, first.get(edit.calendar, at))
        if edit.calendar in first:
            waits.append(first[edit.calendar] - edit.sent_at)
    return sorted(waits)


def _at(seconds: Sequence[float], share: float) -> float:
    if not seconds:
        return float("inf")
    return round(seconds[min(len(seconds) - 1, int(len(seconds) * share))], 3)
