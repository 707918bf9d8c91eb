"""Every job there is: thin, ids only, and safe to run twice, late, or not at all.

A worker refuses any function that is not in `TASKS`. Signatures only grow, with defaults, so that
jobs of the last version still run after a deploy; what a newer version adds by keyword is ignored,
since both run side by side for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from flask import current_app

from ..services import switching
from ..services.runtime import Runtime
from .battery import Battery
from .context import runtime
from .duties import TELLING, WAITING, care_task
from .progress import noting

log = structlog.get_logger(__name__)

BATTERY = "gcal_battery"
MOST_OFF = timedelta(seconds=60)


def switch_batch(
    pbx: str, link_ids: Sequence[str], due_at: str | None = None, **_later: object
) -> None:
    """Bring these lines to what should be true now, or at `due_at` (ISO 8601) when it comes.

    `pbx` is empty for lines of several exchanges.
    """
    rt = runtime()
    if clock_is_off(rt):
        return
    instant = datetime.fromisoformat(due_at) if due_at is not None else None
    ids = [UUID(one) for one in link_ids]
    battery: Battery | None = current_app.extensions.get(BATTERY)
    if battery is None:
        switching.switch_batch(rt, pbx, ids, instant)
        return
    for armed in switching.prepare(rt, pbx, ids, instant).armed:
        battery.put(armed)


def clock_is_off(rt: Runtime) -> bool:
    """Whether this machine's clock is too far from the database's to sign requests with.

    Receivers refuse a signature of another time. What such a worker leaves is asked for again.
    """
    with rt.store.begin() as session:
        off = datetime.now(UTC) - rt.store.now(session)
    if abs(off) <= MOST_OFF:
        return False
    log.error("clock_is_off", seconds=round(off.total_seconds()))
    return True


def sync_calendars(calendar_ids: Sequence[str], urgent: bool = False, **_later: object) -> None:
    """Fetch what changed in these calendars."""
    from ..services import syncing

    syncing.sync_due(runtime(), [UUID(one) for one in calendar_ids], urgent=urgent)


def care(task: str, ids: Mapping[str, str] | None = None, **_later: object) -> None:
    """One piece of upkeep, by its name in `duties.CARE`."""
    work = care_task(task)
    battery: Battery | None = current_app.extensions.get(BATTERY)
    if battery is not None and task in WAITING:
        # It mostly waits for an exchange: one that does not answer must not hold up the others.
        battery.aside(lambda rt: work(rt, **(ids or {})), task)
        return
    told = {"told": noting(task)} if task in TELLING else {}
    work(runtime(), **(ids or {}), **told)


def send_mail(**_later: object) -> None:
    """Send what is in the outbox."""
    care_task("mail")(runtime())


TASKS: dict[str, Callable[..., Any]] = {
    f"{__name__}.{task.__name__}": task for task in (switch_batch, sync_calendars, care, send_mail)
}
"""The functions that a worker runs, by the name that a job carries."""
