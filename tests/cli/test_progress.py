"""Long commands: how far they are is on the operators' board while they run, and gone after."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from redis import Redis

from gcal_plugin.cli import shared
from gcal_plugin.jobs import progress
from gcal_plugin.ports.load import Busy
from gcal_plugin.services import resyncing, rotating
from tests.servers.databases import Databases
from tests.support.portal_app import OPERATOR, PREFIX, Person, portal


@pytest.fixture
def app(databases: Databases, redis_url: str) -> Iterator[Flask]:
    with portal(databases, GCAL_REDIS_URL=redis_url) as made:
        yield made


def board(app: Flask) -> str:
    """The page as somebody else sees it, who is in no context of the command's."""

    def look() -> str:
        return Person(app, OPERATOR).get(f"{PREFIX}/operator/").get_data(as_text=True)

    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(look).result()


@pytest.mark.parametrize(
    ("command", "service", "told"),
    [
        (["sync"], (resyncing, "fetch"), "Haalt agenda&#39;s opnieuw op: 2 van 3"),
        (["keys", "rotate"], (rotating, "rotate"), "Verzegelt met de nieuwe sleutel: 2 van 3"),
    ],
)
def test_the_board_shows_how_far_a_command_is(
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    service: tuple[Any, str],
    told: str,
) -> None:
    monkeypatch.setattr(progress, "_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(resyncing, "not_fetched_since", lambda rt, seconds: [1, 2, 3])
    monkeypatch.setattr(rotating, "waiting", lambda rt: 3)
    seen: list[str] = []
    done = getattr(*service)

    def slow(rt: Any, *given: Any, told: Any, **named: Any) -> Any:
        told(2)
        seen.append(board(app))
        return done(rt, *[[] for _ in given], told=told, **named)

    monkeypatch.setattr(*service, slow)
    result = app.test_cli_runner().invoke(args=["gcal", *command])
    assert result.exit_code == 0, result.output
    assert told in seen[0]
    assert told not in board(app)


def test_a_command_that_was_killed_is_forgotten_after_a_while(app: Flask, redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        killed = progress.of_command(redis, "import", None)
        note = killed.__enter__()
        note(7)
        assert progress.commands(redis) == [Busy("import", 0)], "written down once a second"
        assert 0 < redis.ttl("gcal:work:import") <= 300
        killed.__exit__(None, None, None)
        assert progress.commands(redis) == []


def test_a_command_goes_on_without_the_queues_server(databases: Databases) -> None:
    with portal(databases, GCAL_REDIS_URL="redis://127.0.0.1:1/0") as app, app.app_context():
        with shared.progress("fetching", 3, task="sync") as advance:
            advance(3)
        assert progress.commands(app.extensions["gcal"].extras["redis"]) == []
