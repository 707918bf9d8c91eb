"""The hook under a storm: a hundred notifications a second for a minute, each answered at once."""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from gcal_plugin.store.crypto import new_key
from gcal_plugin.store.tables import Calendar, Channel, Grant
from gcal_plugin.store.tables.base import new_id
from tests.servers.databases import Databases
from tests.servers.ports import free_port, wait_for_port
from tests.servers.process import Child
from tests.support.runtime import make_schema

ROOT = Path(__file__).parents[2]
CALENDARS, RATE, SECONDS = 50, 100, 60
TOKEN = "a token of a channel"


@pytest.mark.full
@pytest.mark.timeout(180)
def test_a_storm_of_notifications_is_answered_in_milliseconds(
    databases: Databases, redis_url: str, tmp_path: Path
) -> None:
    port = free_port()
    with databases.fresh("postgres", key="schema", prepare=make_schema) as url:
        ids = _channels(url)
        values = {
            "database": url,
            "redis": redis_url,
            "google": "http://127.0.0.1:9",
            "public_url": f"http://127.0.0.1:{port}",
            "keys": [new_key()],
            "telephony": {"main": {"backend": "memory"}},
        }
        command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "8"]
        command += ["-b", f"127.0.0.1:{port}", "benchmarks.change_host:create_app()"]
        web = Child(
            command,
            log=tmp_path / "web.log",
            name="web",
            cwd=ROOT,
            env={"HOST": json.dumps(values)},
        )
        with web:
            wait_for_port(port)
            seconds = _storm(port)
        assert len(seconds) == RATE * SECONDS
        assert seconds[int(len(seconds) * 0.99)] <= 0.2
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            dirty = connection.scalars(sa.select(Calendar.id).where(Calendar.dirty)).all()
        engine.dispose()
        assert set(dirty) == set(ids)


def _channels(url: str) -> list[UUID]:
    engine = sa.create_engine(url)
    now = datetime.now(UTC)
    grant, calendars = new_id(), [new_id() for _ in range(CALENDARS)]
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    with engine.begin() as connection:
        connection.execute(
            sa.insert(Grant),
            {"id": grant, "client_id": "c", "subject": "s", "email": "a@b.c", "created_at": now},
        )
        for number, calendar in enumerate(calendars):
            row = {"id": calendar, "grant_id": grant, "google_id": f"c{number}"}
            connection.execute(sa.insert(Calendar), row)
            connection.execute(
                sa.insert(Channel),
                {
                    "id": f"channel-{number}",
                    "calendar_id": calendar,
                    "token_digest": digest,
                    "state": "open",
                    "created_at": now,
                    "expires_at": now + timedelta(days=1),
                    "renew_at": now + timedelta(hours=20),
                },
            )
    engine.dispose()
    return calendars


def _storm(port: int) -> list[float]:
    """Post at an even pace; answers how long each took from when it should have gone out."""
    hands = 8
    begin = time.perf_counter() + 0.5

    def post(hand: int) -> list[float]:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        took = []
        for number in range(hand, RATE * SECONDS, hands):
            due = begin + number / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            headers = {
                "X-Goog-Channel-ID": f"channel-{number % CALENDARS}",
                "X-Goog-Channel-Token": TOKEN,
                "X-Goog-Resource-State": "exists",
                "X-Goog-Message-Number": str(number),
            }
            line.request("POST", "/google-calendar/hooks/google", headers=headers)
            answer = line.getresponse()
            answer.read()
            assert answer.status == 204
            took.append(time.perf_counter() - due)
        line.close()
        return took

    with ThreadPoolExecutor(hands) as pool:
        return sorted(one for part in pool.map(post, range(hands)) for one in part)
