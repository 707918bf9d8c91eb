"""Where syncing is measured: a local Google, Postgres that writes through, a governor on Redis."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask

from example_app.fake_google.process import LocalGoogle
from gcal_plugin.google.governed import GovernedCalendars
from gcal_plugin.google.governor import Governor, Quota
from gcal_plugin.ports import AccessToken
from gcal_plugin.services import sync_round
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.services.sync_round import Round
from gcal_plugin.store.crypto import place
from gcal_plugin.store.tables import Calendar, Forwarding, Grant, Link
from gcal_plugin.store.tables.base import new_id
from tests.servers import PostgresServer, RedisServer
from tests.support.runtime import CLIENT_ID, make_app, make_runtime, make_schema

PER_MINUTE = 10_000_000
"""The quota is raised, so that the governor counts every request and refuses none."""


@dataclass(frozen=True)
class Ground:
    """Servers, and one worker's runtime on them."""

    google: LocalGoogle
    app: Flask
    rt: Runtime
    people: list[dict[str, Any]]
    calendar_ids: list[UUID]

    def access(self, person: dict[str, Any]) -> AccessToken:
        """A token of one of the people, for the peers."""
        expires = datetime.fromtimestamp(person["expires_at"], UTC)
        return AccessToken(person["access_token"], expires, person["sub"])


@contextmanager
def ground(count: int, **settings: Any) -> Iterator[Ground]:
    """`count` people, each with a calendar of ten events, all linked."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gcal-sync-")))
        postgres = stack.enter_context(PostgresServer(durable=True))
        redis = stack.enter_context(RedisServer(folder / "redis"))
        google = stack.enter_context(LocalGoogle(check_schema=False))
        google.control(
            "POST", "settings", {"per_minute": PER_MINUTE, "per_user_minute": PER_MINUTE}
        )
        people = google.bulk(count, events=10)
        url = postgres.url(postgres.create_database(template="template1"))
        make_schema(url)
        app, db = make_app(url)
        stack.enter_context(app.app_context())
        quota = Quota(PER_MINUTE, PER_MINUTE)
        governor = Governor(stack.enter_context(redis.client()), quota)
        rt = make_runtime(db, google.url, google_quota_per_minute=PER_MINUTE, **settings)
        rt = replace(rt, calendars=GovernedCalendars(rt.calendars, governor))
        ids = populate(rt, people)
        yield Ground(google, app, rt, people, ids)
        db.session.remove()
        db.engine.dispose()


def populate(rt: Runtime, people: Sequence[dict[str, Any]], first: int = 0) -> list[UUID]:
    """Link every person's calendar, with tokens that are sealed as they would be."""
    now = datetime.now(UTC)
    keyring = rt.store.keyring
    rows: dict[type, list[dict[str, Any]]] = {Grant: [], Calendar: [], Link: [], Forwarding: []}
    for number, person in enumerate(people, first):
        grant_id, calendar_id, link_id = new_id(), new_id(), new_id()
        line = {
            "tenant_id": "bel" if number % 2 else "ander",
            "pbx": "main",
            "domain": f"d{number}.example",
            "extension": "200",
        }
        sealed = {
            name: keyring.seal(person[name], place("gcal_grant", grant_id, name))
            for name in ("access_token", "refresh_token")
        }
        rows[Grant].append(
            {
                "id": grant_id,
                "client_id": CLIENT_ID,
                "subject": person["sub"],
                "email": person["account"],
                **sealed,
                "access_expires_at": now + timedelta(hours=1),
                "created_at": now,
            }
        )
        rows[Calendar].append(
            {
                "id": calendar_id,
                "grant_id": grant_id,
                "google_id": person["calendar"],
                "time_zone": "Europe/Amsterdam",
            }
        )
        rows[Link].append(
            {
                "id": link_id,
                "account_id": "jan",
                "state": "linked",
                "grant_id": grant_id,
                "calendar_id": calendar_id,
                "created_at": now,
                **line,
            }
        )
        rows[Forwarding].append({"link_id": link_id, **line})
    with rt.store.begin() as session:
        for table, values in rows.items():
            session.execute(sa.insert(table), values)
    return [row["id"] for row in rows[Calendar]]


@contextmanager
def stages() -> Iterator[dict[str, float]]:
    """CPU seconds of this process by what a round of fetches does, while inside.

    The time is everybody's in this process, so only one round may be on its way at a time.
    """
    spent: dict[str, float] = {}
    places: list[tuple[str, Any, str]] = [
        ("claim", Round, "claim"),
        ("ask", Round, "_begin"),
        ("ask", Round, "_read"),
        ("store", Round, "_store"),
        ("tell", sync_round, "tell"),
    ]
    kept = [getattr(owner, name) for _, owner, name in places]

    def timed(stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            before = time.process_time()
            try:
                return work(*given)
            finally:
                spent[stage] = spent.get(stage, 0.0) + time.process_time() - before

        return run

    try:
        for (stage, owner, name), work in zip(places, kept, strict=True):
            setattr(owner, name, timed(stage, work))
        yield spent
    finally:
        for (_, owner, name), work in zip(places, kept, strict=True):
            setattr(owner, name, work)


class Stopwatch:
    """Wall time and this process's CPU time, added up over rounds, in seconds."""

    def __init__(self) -> None:
        self.wall = 0.0
        self.cpu = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what happens inside."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu
