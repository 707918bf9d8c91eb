"""The hook under a storm: a hundred notifications a second for a minute, each answered at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import hook
from tests.servers.databases import Databases
from tests.support.runtime import make_schema


def storm(databases: Databases, redis_url: str, folder: Path, seconds: int) -> hook.Storm:
    with (
        databases.fresh("postgres", key="schema", prepare=make_schema) as url,
        hook.serving(url, redis_url, folder) as port,
    ):
        return hook.raise_storm(port, url, rate=100, seconds=seconds)


def test_no_notification_of_a_storm_is_refused_or_forgotten(
    databases: Databases, redis_url: str, tmp_path: Path
) -> None:
    came = storm(databases, redis_url, tmp_path, seconds=3)
    assert len(came.seconds) == 300, "each was answered 204"
    assert came.announced == came.calendars


@pytest.mark.full
@pytest.mark.timeout(180)
def test_a_storm_of_notifications_is_answered_in_milliseconds(
    databases: Databases, redis_url: str, tmp_path: Path
) -> None:
    came = storm(databases, redis_url, tmp_path, seconds=60)
    assert len(came.seconds) == 6000
    assert came.announced == came.calendars
    assert came.seconds[int(len(came.seconds) * 0.99)] <= hook.LIMIT_S
