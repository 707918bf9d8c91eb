"""A job that fails says why, in the log and in the queue's server, and quotes nothing personal."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from gcal_plugin.jobs.queues import QueueName
from gcal_plugin.jobs.worker import work
from gcal_plugin.logs import json_logs
from gcal_plugin.services import purging
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.store.tables import MailOut
from tests.servers.databases import Databases
from tests.support.portal_app import portal

PERSONAL = ("Jan Jansen", "06 1234 5678", "jan@bakkerij.example")


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    found = io.StringIO()
    json_logs(to=found)
    yield found
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_what_a_failing_job_keeps(
    databases: Databases, redis_url: str, out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leak(rt: Runtime, **_: Any) -> None:
        letter = {
            "kind": None,  # which the database refuses, quoting the whole row
            "recipient": "jan@bakkerij.example",
            "values": {"name": "Jan Jansen", "phone": "06 1234 5678"},
        }
        with rt.store.begin() as session:
            session.execute(sa.insert(MailOut).values(**letter))

    monkeypatch.setattr(purging, "purge", leak)
    with portal(databases, GCAL_REDIS_URL=redis_url) as app, Redis.from_url(redis_url) as redis:
        with app.app_context():
            app.extensions["gcal"].wake.care("purge")
        work(app, QueueName.CARE, burst=True)
        (name,) = redis.zrange("rq:failed:gcal-care", 0, -1)
        job = Job.fetch(name.decode().split(":")[0], connection=redis, serializer=JSONSerializer)
        result = job.latest_result()
    assert result is not None
    kept = str(result.exc_string)
    assert "IntegrityError" in kept
    assert "test_failing_jobs.py" in kept, "where it happened stays"
    (told,) = [
        row
        for line in out.getvalue().splitlines()
        if (row := json.loads(line))["event"] == "job_failed"
    ]
    assert "IntegrityError" in told["fault"]
    for personal in PERSONAL:
        assert personal not in kept
        assert personal not in out.getvalue()
