"""A long job notes how far it is in its own meta; the operators' board shows it while it runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from redis import Redis
from sqlalchemy.orm import Session

from gcal_plugin.jobs import progress
from gcal_plugin.jobs.queues import QueueName
from gcal_plugin.jobs.states import queue_states
from gcal_plugin.jobs.worker import work
from gcal_plugin.ports.load import Busy
from gcal_plugin.services.purging import PORTION, purge
from gcal_plugin.store.tables import SecurityEvent
from tests.servers.databases import Databases
from tests.support.portal_app import portal

OVER = PORTION + 7


def test_a_purge_tells_how_far_it_is(databases: Databases, redis_url: str) -> None:
    seen: dict[str, list[Busy | None]] = {queue.value: [] for queue in QueueName}

    with portal(databases, GCAL_REDIS_URL=redis_url) as app, Redis.from_url(redis_url) as redis:
        rt = app.extensions["gcal"]
        old = datetime.now(UTC) - timedelta(days=400)
        rows = [
            {"jti": str(number), "received_at": old, "kind": "x", "outcome": "done"}
            for number in range(OVER)
        ]
        with app.app_context(), rt.store.begin() as session:
            session.execute(sa.insert(SecurityEvent), rows)
        with app.app_context():
            assert rt.wake.care("purge")

        def look(_session: Session) -> None:
            for one in queue_states(redis) or ():
                seen[one.name].append(one.busy)

        sa.event.listen(Session, "after_commit", look)
        try:
            work(app, QueueName.CARE, burst=True)
        finally:
            sa.event.remove(Session, "after_commit", look)
        care = seen.pop(QueueName.CARE.value)
        assert next(one for one in care if one is not None) == Busy("purge", PORTION)
        assert care[-1] == Busy("purge", OVER)
        assert {one for queue in seen.values() for one in queue} == {None}
        assert all(one.busy is None for one in queue_states(redis) or ())  # it is done
        with app.app_context():
            assert purge(rt) == 0


@pytest.mark.parametrize("meta", [None, b"", b"{}", b"[]", b"null", b'{"task": "x"}', b"\xff"])
def test_a_meta_of_somebody_else_says_nothing(meta: bytes | None) -> None:
    assert progress.read(meta) is None
