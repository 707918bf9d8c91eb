"""Everything in figures, for the monitoring and the operators' board: read, never counted here.

They come from the database and the queue's server, so that every process tells the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ..ports.load import Busy, QueueState
from ..store import migrate, queries_holders, queries_signals
from ..store.queries_signals import LineCounts
from . import tallying
from .leading import last_beat
from .runtime import Runtime
from .tallying import Histogram

log = structlog.get_logger(__name__)

CLOCK = "clock"
BEAT_LIMIT = 15.0
"""Seconds of silence after which no clock is at work: a standby would have taken over."""
DAYS = 30
"""Over how many days punctuality is shown."""


@dataclass(frozen=True, slots=True)
class Signals:
    """The figures of one moment."""

    at: datetime
    lines: list[LineCounts]
    links: list[tuple[str, str, int]]
    """(tenant, state, how many)."""
    broken: list[tuple[str, str, str, int]]
    """(tenant, exchange, reason, how many)."""
    stale: list[tuple[str, str, int]]
    """(tenant, exchange, how many)."""
    sync_ages: list[int]
    """Followed calendars by age of their last fetch, up to each of `queries_signals.AGES`."""
    never_synced: int
    lost_holders: list[tuple[str, str, int]]
    """(tenant, exchange, links whose account the portal closed or no longer has)."""
    failing: list[tuple[str, int]]
    """(code of the last failure, calendars that could not be fetched the last time)."""
    push_states: dict[str, int]
    grants: dict[str, int]
    requests: dict[str, int]
    stuck_requests: int
    mails: dict[str, int]
    overdue_seconds: float
    """How long the longest waiting line has waited."""
    beat_age: float | None
    late_ever: list[Histogram]
    push_ever: list[Histogram]
    late_days: list[Histogram]
    """Of the last `DAYS` days."""
    queues: Sequence[QueueState] | None
    quota: float | None
    commands: Sequence[Busy] = ()
    """Long work that somebody runs at a terminal."""


def gather(rt: Runtime) -> Signals:
    """Read all figures, in a number of queries that does not grow with the links."""
    beat, queues, quota = last_beat(rt, CLOCK), queue_states(rt), quota_use(rt)
    with rt.store.begin() as session:
        now = rt.store.now(session)
        due = queries_signals.oldest_due(session, now)
        ages, never = queries_signals.sync_ages(session, now)
        return Signals(
            at=now,
            lines=queries_signals.lines(session, now),
            links=queries_signals.links_by_state(session),
            broken=queries_signals.broken(session),
            stale=queries_signals.stale_links(session, now),
            lost_holders=queries_holders.lost(session),
            sync_ages=ages,
            never_synced=never,
            failing=queries_signals.failing_calendars(session),
            push_states=queries_signals.push_states(session),
            grants=queries_signals.grants_by_state(session),
            requests=queries_signals.requests_by_state(session),
            stuck_requests=queries_signals.stuck_requests(session, now),
            mails=queries_signals.mails_by_state(session),
            overdue_seconds=(now - due).total_seconds() if due is not None else 0.0,
            beat_age=beat[1].total_seconds() if beat is not None else None,
            late_ever=tallying.ever(session, tallying.LATE),
            push_ever=tallying.ever(session, tallying.PUSH),
            late_days=tallying.since(rt, session, tallying.LATE, DAYS),
            queues=queues,
            quota=quota,
            commands=commands(rt),
        )


@dataclass(frozen=True, slots=True)
class Load:
    """What is known without the database: how busy the neighbours are."""

    queues: Sequence[QueueState] | None
    quota: float | None


def figures(rt: Runtime) -> Signals | Load:
    """All figures; only the load while the database is away."""
    try:
        return gather(rt)
    except SQLAlchemyError as error:
        log.error("figures_without_database", fault=type(error).__name__)
        return Load(queue_states(rt), quota_use(rt))


def queue_states(rt: Runtime) -> Sequence[QueueState] | None:
    """The queues; None where their server does not answer."""
    look = rt.extras.get("queue_states")
    return cast(Callable[[], Sequence[QueueState] | None], look)() if callable(look) else None


def commands(rt: Runtime) -> Sequence[Busy]:
    """The commands that are at work now."""
    look = rt.extras.get("commands")
    return cast(Callable[[], Sequence[Busy]], look)() if callable(look) else ()


def quota_use(rt: Runtime) -> float | None:
    """What part of the product's Google quota is used up, 0 to 1; None where nobody knows."""
    look = rt.extras.get("quota_use")
    if not callable(look):
        return None
    return cast(Callable[[str], float | None], look)(rt.settings.google_client_id)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this process can do its work, by neighbour."""

    database: bool
    migrations: bool
    queue: bool
    clock: bool

    @property
    def ready(self) -> bool:
        """Pages can be shown and answered; without queue or clock they still can."""
        return self.database and self.migrations


def readiness(rt: Runtime) -> Readiness:
    """Ask the database, the tables' version, the queue's server and the clock's heartbeat."""
    queue = queue_states(rt) is not None
    try:
        beat = last_beat(rt, CLOCK)
        current = migrate.serves(migrate.current(rt.store.engine))
    except SQLAlchemyError as error:
        log.error("not_ready", fault=type(error).__name__)
        return Readiness(database=False, migrations=False, queue=queue, clock=False)
    alive = beat is not None and beat[1].total_seconds() < BEAT_LIMIT
    return Readiness(database=True, migrations=current, queue=queue, clock=alive)
