"""The status page with fifty coming events, beside the same page written bare, on the same rows.

All are asked for through WSGI in this process, in turns; the figure is the median of the processor
time that one page takes. `list` is a page with the fifty events and nothing else, for comparison.
The number of queries is counted with five and with fifty events: it stays the same.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from example_app import create_app, seed
from example_app.database import Base as PortalBase
from example_app.database import db
from gcal_plugin.store.crypto import new_key
from gcal_plugin.store.tables import Base, Calendar, Forwarding, Grant, Link, WindowRow
from tests.servers.redis import RedisServer

from .page_peer import make_peer

LIMIT = 1.5
EVENTS = 50


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--pages", type=int, default=300)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure; milliseconds a page."""
    with tempfile.TemporaryDirectory() as name, RedisServer(Path(name) / "redis") as redis:
        url = f"sqlite:///{Path(name) / 'page.sqlite'}"
        app, peer = _portal(url, redis.url()), make_peer(url)
        ours, theirs = _logged_in(app), _logged_in(peer)
        few = _queries(app, ours, events=5)
        many = _queries(app, ours, events=EVENTS)
        say(f"queries a page: {few} with 5 events, {many} with {EVENTS}")
        asked = [
            ("ours", ours, "/google-calendar/"), ("peer", theirs, "/"), ("list", theirs, "/list"),
        ]  # fmt: skip
        times: dict[str, list[float]] = {who: [] for who, _client, _path in asked}
        for number in range(options.pages):
            for who, client, path in asked if number % 2 else reversed(asked):
                times[who].append(_one(client, path))
        kept = {who: statistics.median(found[10:]) * 1000 for who, found in times.items()}
    ratio = kept["ours"] / kept["peer"]
    return {
        "ours": round(kept["ours"], 2),
        "peer": round(kept["peer"], 2),
        "ratio": round(ratio, 2),
        "unit": "ms",
        "list": round(kept["list"], 2),
        "limit": LIMIT,
        "queries_5": few,
        "queries_50": many,
        "passed": ratio <= LIMIT and few == many,
    }


def _one(client: FlaskClient, path: str) -> float:
    start = time.process_time()
    with client.get(path) as answer:
        assert answer.status_code == 200
        answer.get_data()
    return time.process_time() - start


def _portal(url: str, redis: str) -> Flask:
    app = create_app(
        {
            "SECRET_KEY": "bench",
            "SQLALCHEMY_DATABASE_URI": url,
            "GCAL_GOOGLE_CLIENT_ID": "client",
            "GCAL_GOOGLE_CLIENT_SECRET": "secret",
            "GCAL_REDIS_URL": redis,
            "GCAL_ENCRYPTION_KEYS": [new_key()],
            "GCAL_TELEPHONY": {"main": {"backend": "memory"}},
        }
    )
    with app.app_context():
        Base.metadata.create_all(db.engine)
        PortalBase.metadata.create_all(db.engine)
        app.test_cli_runner().invoke(seed.command, catch_exceptions=False)
        _link()
        db.session.remove()
    return app


def _link() -> None:
    now = datetime.now(UTC)
    session = db.session
    link = session.scalars(sa.select(Link).where(Link.account_id == "1")).one()
    grant = Grant(client_id="client", subject="1", email="jan@example.nl", created_at=now)
    session.add(grant)
    session.flush()
    calendar = Calendar(
        grant_id=grant.id,
        google_id="c",
        name="Bereikbaarheid",
        time_zone="Europe/Amsterdam",
        synced_at=now,
    )
    session.add(calendar)
    session.flush()
    link.grant_id, link.calendar_id, link.state = grant.id, calendar.id, "linked"
    if session.get(Forwarding, link.id) is None:
        session.add(
            Forwarding(
                link_id=link.id,
                tenant_id=link.tenant_id,
                pbx=link.pbx,
                domain=link.domain,
                extension=link.extension,
            )
        )
    session.commit()


def _events(app: Flask, count: int) -> None:
    """This many forwards, three hours each, one every half a day."""
    with app.app_context():
        now = datetime.now(UTC)
        calendar_id = db.session.scalars(sa.select(Calendar.id)).one()
        db.session.execute(sa.delete(WindowRow))
        for number in range(count):
            start = now + timedelta(hours=1 + 12 * number)
            db.session.add(
                WindowRow(
                    calendar_id=calendar_id,
                    event_id=f"event-{number}",
                    start_at=start,
                    end_at=start + timedelta(hours=3),
                    kind="number",
                    value=f"+3161234{number:04d}",
                    received_at=now,
                )
            )
        db.session.commit()
        db.session.remove()


def _queries(app: Flask, client: FlaskClient, *, events: int) -> int:
    _events(app, events)
    with app.app_context():
        engine = db.engine
    with _counted(engine) as statements:
        _one(client, "/google-calendar/")
    return len(statements)


@contextmanager
def _counted(engine: sa.Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def _logged_in(app: Flask) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = "1", True
    return client
