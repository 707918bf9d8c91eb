"""After a batch is stored: lines to switch, calendars lost and found, what came in meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from ..store.queries_calendar import Followed
from . import breaking
from .runtime import Runtime
from .sync_failures import PROJECT_FAULTS, Failure, Loss
from .sync_store import Outcome

log = structlog.get_logger(__name__)


def tell(
    rt: Runtime,
    followers: Mapping[UUID, Followed],
    outcome: Outcome,
    failures: Sequence[Failure],
) -> None:
    """Tell whom it concerns, once what is told has been committed."""
    lines: dict[str, list[UUID]] = {}
    for calendar_id in outcome.changed:
        followed = followers[calendar_id]
        for pbx, link_id in zip(followed.pbxes, followed.link_ids, strict=True):
            lines.setdefault(pbx, []).append(link_id)
    for pbx, link_ids in lines.items():
        rt.wake.switch(pbx, link_ids)
    if outcome.announced:
        rt.wake.sync(sorted(outcome.announced))
    for calendar_id in outcome.unreadable:
        breaking.calendar_lost(rt, calendar_id, Loss.UNREADABLE.value)
    for reason in PROJECT_FAULTS & {failure.error.reason for failure in failures}:
        log.error("google_refuses_us", reason=reason)
    for failure in failures:
        if failure.loss is Loss.ACCESS:
            breaking.grant_lost(rt, failure.claim.grant_id, failure.loss.value)
        elif failure.loss is not None:
            breaking.calendar_lost(rt, failure.claim.id, failure.loss.value)
    for calendar_id in outcome.stored - outcome.unreadable:
        if followers[calendar_id].broken:
            breaking.calendar_back(rt, calendar_id)
