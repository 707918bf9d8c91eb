"""The peer: one RQ job per link, planned with `enqueue_at`, pushed one by one.

A worker of the peer: `python -m benchmarks.herd_peer`, with the same database and PBX. It keeps
its connections, reads the link, pushes, records: the least that such a design does.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import redis
import sqlalchemy as sa
from rq import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from gcal_plugin.domain.destination import Destination
from gcal_plugin.ports import Line
from gcal_plugin.store.tables import Forwarding, Link, WindowRow
from gcal_plugin.telephony.webhook import WebhookTelephony


@lru_cache(1)
def _neighbours() -> tuple[sa.Engine, WebhookTelephony]:
    values = json.loads(os.environ["PEER"])
    return (
        sa.create_engine(values["database"]),
        WebhookTelephony("main", values["pbx"], values["secret"]),
    )


def push(link_id: str) -> None:
    """One link's job."""
    engine, pbx = _neighbours()
    with engine.connect() as connection:
        row = connection.execute(
            sa.select(Link.domain, Link.extension, WindowRow.value)
            .join(WindowRow, WindowRow.calendar_id == Link.calendar_id)
            .where(Link.id == UUID(link_id))
        ).one()
    wanted = frozenset({Destination.parse(row.value or "")})
    applied = pbx.replace(Line(row.domain, row.extension), wanted, revision=1)
    with engine.begin() as connection:
        connection.execute(
            sa.update(Forwarding)
            .where(Forwarding.link_id == UUID(link_id))
            .values(observed_revision=applied.revision)
        )


def plan(url: str, link_ids: list[UUID], at: datetime) -> None:
    """Plan every link's job."""
    queue = Queue("peer", connection=redis.Redis.from_url(url), serializer=JSONSerializer)
    for link_id in link_ids:
        queue.enqueue_at(at, "benchmarks.herd_peer.push", str(link_id), result_ttl=0)


def main() -> int:
    values = json.loads(os.environ["PEER"])
    worker = SimpleWorker(
        ["peer"], connection=redis.Redis.from_url(values["redis"]), serializer=JSONSerializer
    )
    print("ready", flush=True)
    worker.work(with_scheduler=True, logging_level="WARNING")
    return 0


if __name__ == "__main__":
    sys.exit(main())
