"""A link's life as a state machine: people, Google, exchange and workers take turns at random.

Whenever everything is healthy and the dust has settled, the exchange must hold exactly what an
oracle computes from the events, which shares no code with the product.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gcal_plugin.ports import Line, Temporary
from gcal_plugin.services import switching
from gcal_plugin.services.switching import Armed
from tests.oracle import Who, ringing

from .exchanges import Exchange
from .lines import World, minutes

NUMBERS = ("+31612345678", "+31687654321", "+31201234568", "333")
OPEN = timedelta(minutes=1)
"""How long the dust may take to settle once everything is healthy: the promised minute."""


CALM = timedelta(minutes=10)
"""A forward that is lost twice within so long looks like somebody's hand, and stands until the next
edge by the owner policy: that is no fault to recover from (`test_sweep` tests it)."""


class Life(RuleBasedStateMachine):
    """One link on one extension. Subclasses say where the world comes from."""

    open_world: Callable[[], AbstractContextManager[World]]
    extensions = iter(range(1000, 10**9))

    def __init__(self) -> None:
        super().__init__()
        self._context = type(self).open_world()
        self.world = self._context.__enter__()
        self.extension = str(next(self.extensions))
        self.link: UUID = self.world.link(self.extension, account_id="nobody")
        exchange = self.world.rt.telephony["main"]
        assert isinstance(exchange, Exchange)
        self.exchange = exchange
        self.line = Line("bakkerij.example", self.extension)
        self.events: dict[str, tuple[datetime, datetime, Who]] = {}
        self.stopped: set[str] = set()
        self.asleep: list[Armed] = []
        self.count = 0
        self.forgot_at: datetime | None = None

    def teardown(self) -> None:
        self._context.__exit__(None, None, None)

    # -- the calendar -------------------------------------------------------------------------

    @rule(
        number=st.sampled_from(NUMBERS),
        start=st.integers(-20, 60),
        length=st.integers(1, 90),
    )
    def add(self, number: str, start: int, length: int) -> None:
        self.count += 1
        begin = self.world.clock.at + minutes(start)
        end = begin + minutes(length)
        name = f"event-{self.count}"
        self.world.window(self.link, number, begin, end, event_id=name)
        kind = "number" if number.startswith("+") else "extension"
        self.events[name] = (begin, end, (kind, number))

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.events:
            name = data.draw(st.sampled_from(sorted(self.events)))
            self.world.drop(self.link, name)
            del self.events[name]

    # -- people -------------------------------------------------------------------------------

    @rule()
    def pause(self) -> None:
        self.stopped.add("pause")
        self.world.change(self.link, paused_at=self.world.clock.at)

    @rule()
    def resume(self) -> None:
        self.stopped.discard("pause")
        self.world.change(self.link, paused_at=None)

    @rule()
    def kill(self) -> None:
        self.stopped.add("kill")
        self.world.change(self.link, killed_at=self.world.clock.at)

    @rule()
    def unkill(self) -> None:
        self.stopped.discard("kill")
        self.world.change(self.link, killed_at=None)

    @rule()
    def lose_access(self) -> None:
        self.stopped.add("access")
        self.world.change(self.link, state="reconnect")

    @rule()
    def reconnect(self) -> None:
        self.stopped.discard("access")
        self.world.change(self.link, state="linked")

    # -- workers and the exchange ---------------------------------------------------------------

    @rule(seconds=st.integers(1, 1800))
    def time_passes(self, seconds: int) -> None:
        self.world.go(self.world.clock.at + timedelta(seconds=seconds))

    @rule()
    def a_worker_dies(self) -> None:
        switching.prepare(self.world.rt, "main", [self.link])

    @rule()
    def a_worker_falls_asleep(self) -> None:
        self.asleep += switching.prepare(self.world.rt, "main", [self.link]).armed

    @rule()
    def the_sleeper_wakes(self) -> None:
        if self.asleep:
            armed = self.asleep.pop(0)
            switching.fire(self.world.rt, armed)
            switching.finish(self.world.rt, armed)

    @rule(times=st.integers(1, 3), lost=st.booleans())
    def the_exchange_is_silent(self, times: int, lost: bool) -> None:
        left = [times]

        def trouble(_: Line) -> Temporary | None:
            left[0] -= 1
            return Temporary("no answer") if left[0] >= 0 else None

        if lost:
            self.exchange.after = trouble
        else:
            self.exchange.before = trouble
        self.world.go()

    @rule()
    def the_exchange_forgets(self) -> None:
        if self.forgot_at is not None and self.world.clock.at - self.forgot_at <= CALM:
            return
        if self.expected():
            self.forgot_at = self.world.clock.at
        self.exchange.exchange._held.pop(self.line, None)
        switching.sweep(self.world.rt, "main")

    # -- what must hold -------------------------------------------------------------------------

    def expected(self) -> set[str]:
        if self.stopped:
            return set()
        spans = sorted(self.events.values(), key=lambda span: (span[0], span[2]))
        who = ringing(spans, self.world.clock.at, maximum=10, own=self.extension)
        return {value for _, value in who}

    @invariant()
    def within_a_minute_of_health_all_is_right(self) -> None:
        self.exchange.before = self.exchange.after = lambda line: None
        deadline = self.world.clock.at + OPEN
        while self.world.clock.at < deadline:
            self.world.go(self.world.clock.at + timedelta(seconds=5))
            row = self.world.row(self.link)
            quiet = row.due_at is None or row.due_at > self.world.clock.at
            if quiet and row.lease_until is None and row.last_error is None:
                break
        if self.exchange.read(self.line).destinations:
            switching.sweep(self.world.rt, "main")
            self.world.go()
        held = {one.value for one in self.exchange.read(self.line).destinations}
        assert held == self.expected()
