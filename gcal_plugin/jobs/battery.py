"""Armed batches waiting for their instant, in threads: many can be ready, none holds up another.

A job only prepares a batch and leaves it here. Whatever is here can be lost: the claims run out
and the clock asks again.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from threading import Condition, Lock, Thread

import structlog
from flask import Flask

from ..services import switching
from ..services.runtime import Runtime
from ..services.switching import Armed
from ..services.switching.batch import LOOK_BEFORE
from .context import runtime_of

log = structlog.get_logger(__name__)

LANES = 4
"""Batches on their way to one exchange at once, from one process: what keeps a slow exchange from
taking all the hands, and a small one from being flooded."""
CLERKS = 2
"""Threads that look again before and write down after."""
HEAT = 64
"""The most batches that wait to be recorded while others go out."""
RECORD_WITHIN = 3.0
"""Seconds that a record waits at most for others to go out: an exchange that is slow without end
must not keep the others' answers from being written down until their leases run out."""
ASIDE = 8
"""Threads for work that mostly waits for somebody else's answer."""
URGENT = 2
"""Threads for switching without a queue, which must not wait behind eight hanging exchanges."""


class Battery:
    """Looks again shortly before each batch's instant, fires at it, and records what came back."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lanes: dict[str, ThreadPoolExecutor] = {}
        self._clerks = ThreadPoolExecutor(CLERKS, thread_name_prefix="gcal-clerk")
        self._aside = ThreadPoolExecutor(ASIDE, thread_name_prefix="gcal-aside")
        self._urgent = ThreadPoolExecutor(URGENT, thread_name_prefix="gcal-urgent")
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._changed = Condition()
        self._lock = Lock()
        self._busy = 0
        self._hot = 0
        self._records: list[Armed] = []
        self._closing = False
        self._timer = Thread(target=self._run, name="gcal-battery", daemon=True)
        self._timer.start()

    @property
    def busy(self) -> int:
        """How many batches are here, from being armed to being recorded."""
        with self._lock:
            return self._busy

    def put(self, armed: Armed) -> None:
        """Take over an armed batch."""
        with self._lock:
            self._busy += 1
        look_in = armed.seconds_left - LOOK_BEFORE.total_seconds()
        self._later(look_in, lambda: self._clerk(self._look, armed))

    def aside(self, work: Callable[[Runtime], object], what: str, *, urgent: bool = False) -> None:
        """Do a piece of work in a thread of its own, with the application's context.

        `urgent` work waits for no exchange itself, and for nobody else's waiting.
        """

        def run() -> None:
            rt = runtime_of(self._app)
            with self._app.app_context():
                try:
                    work(rt)
                except Exception:
                    log.exception("work_failed", what=what)

        with suppress(RuntimeError):  # the pool was shut down: this process is ending
            (self._urgent if urgent else self._aside).submit(run)

    def close(self, patience: float = 10.0) -> None:
        """Let what is due soon go out and be recorded, for `patience` seconds at most."""
        deadline = time.monotonic() + patience
        while self.busy and time.monotonic() < deadline:
            time.sleep(0.05)
        with self._changed:
            self._closing = True
            self._changed.notify()
        for pool in (*self._lanes.values(), self._clerks, self._aside, self._urgent):
            pool.shutdown(wait=False, cancel_futures=True)

    # -- the timer --------------------------------------------------------------------------------

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        with self._changed:
            heapq.heappush(self._waiting, (time.monotonic() + seconds, next(self._order), act))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closing:
                    return
                now = time.monotonic()
                if not self._waiting or self._waiting[0][0] > now:
                    wait = self._waiting[0][0] - now if self._waiting else None
                    self._changed.wait(wait)
                    continue
                _, _, act = heapq.heappop(self._waiting)
            act()

    # -- the steps --------------------------------------------------------------------------------

    def _look(self, armed: Armed) -> None:
        switching.look_again(runtime_of(self._app), armed)
        with self._lock:
            self._hot += 1
        # A little early: the lane itself waits out the rest by the database's clock.
        self._later(armed.seconds_left - 0.005, lambda: self._lane(armed))

    def _fire(self, armed: Armed) -> None:
        fired: Armed | None = None
        try:
            armed.clock.sleep_until(armed.at)
            if armed.look_is_old or armed.clock.now() >= armed.deadline:
                with self._app.app_context():
                    switching.hold_on(runtime_of(self._app), armed)
            switching.fire(runtime_of(self._app), armed)
            fired = armed
        finally:
            self._cool(fired)

    def _cool(self, fired: Armed | None) -> None:
        """Leave recording until nothing is about to be sent: what is still to go out goes first."""
        with self._lock:
            self._hot -= 1
            if fired is not None:
                self._records.append(fired)
            full = self._hot == 0 or len(self._records) > HEAT
            begun = fired is not None and len(self._records) == 1
        if full:
            self._write_down()
        elif begun:
            self._later(RECORD_WITHIN, self._write_down)

    def _write_down(self) -> None:
        with self._lock:
            ready, self._records = self._records, []
        for armed in ready:
            self._clerk(self._finish, armed)

    def _finish(self, armed: Armed) -> None:
        report = switching.finish(runtime_of(self._app), armed)
        log.info("batch_switched", pbx=armed.pbx, done=report.done, failed=report.failed)
        self._left()

    def _left(self) -> None:
        with self._lock:
            self._busy -= 1

    # -- the threads ------------------------------------------------------------------------------

    def _clerk(self, step: Callable[[Armed], None], armed: Armed) -> None:
        self._start(self._clerks, self._in_context, step, armed)

    def _lane(self, armed: Armed) -> None:
        with self._lock:
            lane = self._lanes.get(armed.pbx)
            if lane is None:
                lane = ThreadPoolExecutor(LANES, thread_name_prefix=f"gcal-{armed.pbx}")
                self._lanes[armed.pbx] = lane
        # No application context: a lane only talks to its exchange, unless it waited for long.
        self._start(lane, lambda step, one: step(one), self._fire, armed)

    def _in_context(self, step: Callable[[Armed], None], armed: Armed) -> None:
        with self._app.app_context():
            step(armed)

    def _start(
        self,
        pool: ThreadPoolExecutor,
        run: Callable[[Callable[[Armed], None], Armed], None],
        step: Callable[[Armed], None],
        armed: Armed,
    ) -> None:
        def ended(future: Future[None]) -> None:
            error = None if future.cancelled() else future.exception()
            if future.cancelled() or error is not None:
                # The claims run out by themselves and the lines come round again.
                log.error("batch_dropped", pbx=armed.pbx, error=repr(error))
                self._left()

        try:
            pool.submit(run, step, armed).add_done_callback(ended)
        except RuntimeError:  # the pool was shut down: this process is ending
            self._left()
