"""What falls due, grouped into batches: by exchange and instant, with fair turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ...store import queries_due
from ...store.queries_switching import Due
from ..runtime import Runtime

ONE_BY_ONE = 100
"""The most lines of a batch for an exchange without bulk writes, so that it ends well within its
lease even where each write is slow."""
LOOK_LIMIT = 60_000
HERD = 1_000
"""Lines a second that two workers get ready even on a busy machine. A herd is begun that much
earlier, so that it too is armed in time."""
LONGEST_LEAD = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that switch at one instant, or now where `due_at` is None.

    `pbx` is empty for few lines each of several exchanges.
    """

    pbx: str
    link_ids: tuple[UUID, ...]
    due_at: datetime | None = None


def due_batches(
    rt: Runtime,
    ahead: timedelta | None = None,
    *,
    wanted: Callable[[Due, datetime], bool] | None = None,
    herds: bool = True,
) -> list[Batch]:
    """The batches that are due now or within `ahead`; `wanted` leaves out what was asked already;
    without `herds` nothing beyond is looked for.

    What is overdue comes first, and in it every tenant has its turn.
    """
    arm = timedelta(seconds=rt.settings.arm_ahead_seconds) if ahead is None else ahead
    reach = max([arm, *_herds_within_reach(rt, arm)]) if arm and herds else arm
    with rt.store.glance() as session:
        rows, now = queries_due.due(session, rt.store.instant(session), reach, LOOK_LIMIT)
    if now is None:
        return []
    chosen = [row for row in rows if wanted is None or wanted(row, now)]
    return group(rt, chosen, now)


def anything_near(rt: Runtime, pause: timedelta) -> bool:
    """Whether there is anything to look for before another `pause` is over: a line that falls due
    or is being switched, a herd on its way, or a calendar to fetch."""
    reach = timedelta(seconds=rt.settings.arm_ahead_seconds) + pause
    with rt.store.glance() as session:
        now = rt.store.instant(session)
        return queries_due.anything_near(session, now, pause, reach, reach + LONGEST_LEAD, HERD)


def _herds_within_reach(rt: Runtime, arm: timedelta) -> list[timedelta]:
    """How far off the instants beyond the usual look-ahead are whose lines are so many that it is
    time to begin.
    """
    with rt.store.glance() as session:
        now = rt.store.instant(session)
        coming = queries_due.herds(session, now, arm, arm + LONGEST_LEAD, HERD)
    return [one.left for one in coming if one.left <= arm + timedelta(seconds=one.lines / HERD)]


def group(rt: Runtime, rows: Iterable[Due], now: datetime) -> list[Batch]:
    """Cut due lines into batches of one exchange and one instant."""
    by_key: dict[tuple[datetime, str], list[Due]] = {}
    for row in rows:
        instant = max(now, row.due_at)
        by_key.setdefault((instant, row.pbx), []).append(row)
    batches: list[Batch] = []
    small: dict[datetime, list[list[Due]]] = {}
    for (instant, pbx), lines in sorted(by_key.items(), key=lambda item: item[0]):
        size = batch_size(rt, pbx)
        ids = fair_turns(lines)
        if len(ids) <= size // 2:
            small.setdefault(instant, []).append(lines)
            continue
        due_at = instant if instant > now else None
        batches += [
            Batch(pbx, tuple(ids[start : start + size]), due_at)
            for start in range(0, len(ids), size)
        ]
    for instant, groups in small.items():
        batches += _pooled(groups, rt.settings.batch_size, instant if instant > now else None)
    return batches


def _pooled(groups: Sequence[Sequence[Due]], size: int, due_at: datetime | None) -> list[Batch]:
    """Few lines each of several exchanges in one batch: a job costs more than a few lines do.

    An exchange's lines stay together, since they go out in one write.
    """
    pools: list[list[Sequence[Due]]] = []
    room = 0
    for lines in groups:
        if len(lines) > room:
            pools.append([])
            room = size
        pools[-1].append(lines)
        room -= len(lines)
    return [
        Batch(
            pool[0][0].pbx if len(pool) == 1 else "",
            tuple(link_id for lines in pool for link_id in fair_turns(lines)),
            due_at,
        )
        for pool in pools
    ]


def batch_size(rt: Runtime, pbx: str) -> int:
    """How many lines one batch of this exchange takes."""
    exchange = rt.telephony.get(pbx)
    if exchange is None:
        return rt.settings.batch_size
    bulk = exchange.capabilities.bulk
    return min(rt.settings.batch_size, bulk) if bulk else min(rt.settings.batch_size, ONE_BY_ONE)


def fair_turns(lines: Sequence[Due]) -> list[UUID]:
    """The lines with their tenants taking turns, so that no tenant's thousands go before a few."""
    queues: dict[str, deque[UUID]] = {}
    for line in lines:
        queues.setdefault(line.tenant_id, deque()).append(line.link_id)
    turns = deque(queues.values())
    ids: list[UUID] = []
    while turns:
        queue = turns.popleft()
        ids.append(queue.popleft())
        if queue:
            turns.append(queue)
    return ids
