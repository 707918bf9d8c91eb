"""The clock: looks at the database for whatever falls due, and asks the workers for it.

One leads, any number wait. It asks the workers through the queue; where the queue is away, or
nobody takes what was asked, it does the switching itself. It remembers what it asked only to keep
from asking twice: a clock that starts anew knows everything from the database.
"""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from uuid import UUID

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from ..services import leading, switching
from ..services.runtime import Runtime
from ..services.switching import Batch
from ..store.queries_switching import Due, chunks
from .battery import Battery
from .context import runtime_of
from .duties import DUTIES, Duty, care_task

log = structlog.get_logger(__name__)

LEASE = "clock"
TICK = 0.25
LONGEST_TICK = 1.5
REST = 4.0
"""Seconds between looks at rest, half a leader's term: on an idle machine it is the waking and what
it touches that costs. Each looks this much further ahead; whoever makes something due sooner wakes
the workers itself."""
QUIET = 5.0
"""Seconds without anything due, after which the clock rests."""
ALERT = 30.0
"""Seconds that the clock looks often from its start, and after the queue did not take something.
Each duty is another attempt, so that with the queue away this does not run out."""
BEAT = 2.0
"""Seconds between heartbeats of a leader; at rest with each look."""
WAIT = 1.0
"""Seconds between looks of a clock that waits for its turn."""
ASK_AGAIN = 4.0
"""Seconds after which a line that nobody claimed is asked for again, now done here."""
NEAR = timedelta(seconds=1)
WIDE = 0.9
"""Seconds between looks at what is in no such hurry: calendars to fetch (a change wakes the workers
itself) and herds, which are begun long before."""
SYNC_AGAIN = 15.0
SYNC_BATCH = 50


@dataclass(slots=True)
class _Asked:
    due: object
    """What was asked: the same line or calendar at another instant is asked anew."""
    at: float


class Clock:
    """One clock process. `run` until the event is set."""

    def __init__(
        self,
        app: Flask,
        *,
        duties: Iterable[Duty] = DUTIES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._rt: Runtime = runtime_of(app)
        self._battery = Battery(app)
        self._monotonic = monotonic
        self._holder = f"{socket.gethostname()[:60]}:{os.getpid()}:{os.urandom(4).hex()}"
        self._asked: dict[UUID, _Asked] = {}
        self._unrecorded = switching.Unrecorded()
        self._synced: dict[UUID, _Asked] = {}
        self._next_duty = self._plan_duties(duties)
        self._beat_at = self._wide_at = float("-inf")
        self._often_until = self._monotonic() + ALERT
        self.leads = False

    def run(self, stop: Event) -> None:
        """Tick until `stop`; a database that is away is waited for."""
        try:
            while not stop.is_set():
                began = self._monotonic()
                try:
                    with self._app.app_context():
                        wait = self.tick()
                except SQLAlchemyError as error:
                    self.leads, wait = False, 1.0
                    self._database_trouble(error)
                stop.wait(max(0.02, wait - (self._monotonic() - began)))
        finally:
            self._battery.close()
            self._resign()

    def _database_trouble(self, error: SQLAlchemyError) -> None:
        """Told; where it can still be read, what is overdue ends all the same."""
        log.warning("database_away", error=type(error).__name__)
        if not switching.takes_no_writes(error):
            return
        try:
            with self._app.app_context():
                self._unrecorded.end_overdue(self._rt)
        except SQLAlchemyError as again:
            log.warning("database_unreadable", error=type(again).__name__)

    def tick(self) -> float:
        """One look; answers the seconds until the next."""
        now = self._monotonic()
        if not self.leads or now - self._beat_at >= BEAT:
            led, self.leads = self.leads, leading.lead(self._rt, LEASE, self._holder)
            self._beat_at = now
            if self.leads != led:
                log.info("clock_leads" if self.leads else "clock_waits", holder=self._holder)
        if not self.leads:
            return WAIT
        rests = now >= self._often_until
        if rests and not switching.anything_near(self._rt, timedelta(seconds=REST)):
            self._ask_duties()
            return REST
        wide = now - self._wide_at >= WIDE
        self._ask_switching(herds=wide)
        if wide:
            self._wide_at = now
            self._ask_syncing()
        self._ask_duties()
        # Never busy for more than a fifth of the time: with ten thousand lines in the queue a look
        # costs something, and the workers need the machine.
        return max(TICK, min(LONGEST_TICK, 5 * (self._monotonic() - now)))

    # -- switching --------------------------------------------------------------------------------

    def _look_often(self, seconds: float) -> None:
        self._often_until = max(self._often_until, self._monotonic() + seconds)

    def _ask_switching(self, *, herds: bool = True) -> None:
        again: set[UUID] = set()
        now = self._monotonic()

        def wanted(row: Due, at: datetime) -> bool:
            self._look_often(QUIET)
            known = self._asked.get(row.link_id)
            what = (row.due_at, row.generation)
            if known is not None and known.due == what:
                # What is still to come may wait its turn in the queue; near its edge, no longer.
                if now - known.at < ASK_AGAIN or row.due_at > at + NEAR:
                    return False
                again.add(row.link_id)
            self._asked[row.link_id] = _Asked(what, now)
            return True

        for batch in switching.due_batches(self._rt, wanted=wanted, herds=herds):
            unheard = bool(again.intersection(batch.link_ids))
            if unheard or not self._heard(
                self._rt.wake.switch(batch.pbx, batch.link_ids, due_at=batch.due_at)
            ):
                self._switch_here(batch)
        if len(self._asked) > 1000 and random.random() < 0.01:  # noqa: S311 (no secret)
            self._asked = {key: one for key, one in self._asked.items() if now - one.at < 60}

    def _heard(self, heard: bool) -> bool:
        """Note whether the queue took what was asked. While it does not, nobody else's wake-up
        arrives either, and what a person changed is found by looking often."""
        if not heard:
            self._look_often(ALERT)
        return heard

    def _switch_here(self, batch: Batch) -> None:
        def switch(rt: Runtime) -> None:
            try:
                ready = switching.prepare(rt, batch.pbx, batch.link_ids, batch.due_at)
            except SQLAlchemyError as error:
                self._database_trouble(error)
                return
            for armed in ready.armed:
                self._battery.put(armed)

        self._battery.aside(switch, "switch", urgent=True)

    # -- everything else --------------------------------------------------------------------------

    def _ask_syncing(self) -> None:
        from ..services import syncing

        now = self._monotonic()
        due = syncing.due_calendars(self._rt)
        if due:
            self._look_often(QUIET)
        self._synced = {one: self._synced[one] for one in due if one in self._synced}

        def asked(one: UUID) -> bool:
            # Fetched and due once more between two slow looks is another fetch.
            known = self._synced.get(one)
            return known is not None and known.due == due[one] and now - known.at <= SYNC_AGAIN

        for part in chunks([one for one in due if not asked(one)], SYNC_BATCH):
            self._synced.update({one: _Asked(due[one], now) for one in part})
            if not self._heard(self._rt.wake.sync(part)):
                self._battery.aside(
                    lambda rt, ids=part: syncing.sync_due(rt, ids),  # type: ignore[misc]
                    "sync",
                )

    def _plan_duties(self, duties: Iterable[Duty]) -> dict[tuple[Duty, str], float]:
        """When each duty is first asked for: spread out, so that a restart is no stampede."""
        now = self._monotonic()
        planned = {}
        for duty in duties:
            names = sorted(self._rt.telephony) if duty.per_exchange else [""]
            for name in names:
                planned[duty, name] = now + random.uniform(0, min(duty.every, 10))  # noqa: S311
        return planned

    def _ask_duties(self) -> None:
        now = self._monotonic()
        for (duty, exchange), at in self._next_duty.items():
            if at > now:
                continue
            self._next_duty[duty, exchange] = now + duty.every * random.uniform(0.9, 1.1)  # noqa: S311
            ids = {"pbx": exchange} if exchange else {}
            asked = (
                self._rt.wake.mail()
                if duty.care == "mail"
                else (self._rt.wake.care(duty.care, **ids))
            )
            if not self._heard(asked):
                work = care_task(duty.care)
                self._battery.aside(
                    lambda rt, work=work, ids=ids: work(rt, **ids),  # type: ignore[misc]
                    duty.care,
                )

    def _resign(self) -> None:
        if not self.leads:
            return
        try:
            with self._app.app_context():
                leading.resign(self._rt, LEASE, self._holder)
        except SQLAlchemyError as error:
            log.warning("lease_not_returned", error=type(error).__name__)
