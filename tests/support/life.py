"""A link's life as a state machine: people, Google, exchange and workers take turns at random.

Whenever everything is healthy and the dust has settled, the exchange must hold exactly what an
oracle computes from the events, which shares no code with the product, or else what somebody set on
the phone by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gcal_plugin.ports import AuthFailed, Line, Temporary
from gcal_plugin.services import switching
from gcal_plugin.services.switching import Armed
from tests.oracle import Who, ringing

from .exchanges import Exchange
from .lines import World, minutes

NUMBERS = ("+31612345678", "+31687654321", "+31201234568", "333")
BY_HAND = ("+31301234567", "+31401234567")
"""Numbers that people set on the phone itself, and that are in no calendar."""
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
        self.theirs: set[str] = set()
        """What somebody set by hand while nothing of ours was active."""

    def teardown(self) -> None:
        self._context.__exit__(None, None, None)

    @initialize(fences=st.booleans())
    def the_exchange_is_of_a_kind(self, fences: bool) -> None:
        """One that does not fence takes whatever comes last."""
        self.exchange.capabilities = replace(self.exchange.capabilities, fences=fences)

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

    @rule(number=st.sampled_from((*BY_HAND, None)))
    def somebody_changes_the_phone(self, number: str | None) -> None:
        """By the owner policy: theirs where none of ours is active, else put back (once)."""
        if not self.all_is_known():
            return
        if self.ours():
            if self.lost_lately():
                return
        else:
            self.theirs = {number} if number else set()
        self.exchange.by_hand(self.line, *([number] if number else ()))
        switching.sweep(self.world.rt, "main")

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

    @rule(number=st.sampled_from(NUMBERS), stop=st.sampled_from(("pause", "kill", "lose_access")))
    def a_stop_overtakes_a_write_on_its_way(self, number: str, stop: str) -> None:
        """After the last look before it was sent."""
        self.add(number, 0, 30)
        armed = switching.prepare(self.world.rt, "main", [self.link]).armed
        for one in armed:
            switching.look_again(self.world.rt, one)
        getattr(self, stop)()
        self.world.go()
        for one in armed:
            switching.fire(self.world.rt, one)
            switching.finish(self.world.rt, one)

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

    @rule(length=st.integers(1, 12))
    def the_exchange_refuses(self, length: int) -> None:
        """Wrong credentials, for up to an hour and more; then they are right again."""
        self.exchange.before = lambda line: AuthFailed("401")
        self.exchange.reading = lambda: AuthFailed("401")
        for _ in range(length):
            self.world.go(self.world.clock.at + minutes(5))
        switching.sweep(self.world.rt, "main")

    @rule()
    def the_exchange_forgets(self) -> None:
        if self.theirs and not self.ours():
            if not self.all_is_known():
                return
            self.theirs = set()
        elif self.lost_lately():
            return
        self.exchange.exchange._held.pop(self.line, None)
        switching.sweep(self.world.rt, "main")

    def lost_lately(self) -> bool:
        """Whether ours was lost within so short a time that once more would look like a hand."""
        if self.forgot_at is not None and self.world.clock.at - self.forgot_at <= CALM:
            return True
        if self.ours():
            self.forgot_at = self.world.clock.at
        return False

    def all_is_known(self) -> bool:
        """Whether nobody is at work on the line, and what it holds is recorded."""
        row = self.world.row(self.link)
        due = row.due_at is not None and row.due_at <= self.world.clock.at
        free = row.lease_until is None and not self.asleep
        return free and not due and row.observed is not None and row.settled == row.generation

    # -- what must hold -------------------------------------------------------------------------

    def ours(self) -> set[str]:
        if self.stopped:
            return set()
        spans = sorted(self.events.values(), key=lambda span: (span[0], span[2]))
        who = ringing(spans, self.world.clock.at, maximum=10, own=self.extension)
        return {value for _, value in who}

    def expected(self) -> set[str]:
        return self.ours() or self.theirs

    @invariant()
    def within_a_minute_of_health_all_is_right(self) -> None:
        self.exchange.before = self.exchange.after = lambda line: None
        self.exchange.reading = lambda: None
        deadline = self.world.clock.at + OPEN
        while self.world.clock.at < deadline:
            self.world.go(self.world.clock.at + timedelta(seconds=5))
            if self.world.clock.at == deadline - OPEN / 2:
                switching.sweep(self.world.rt, "main")
            row = self.world.row(self.link)
            quiet = row.due_at is None or row.due_at > self.world.clock.at
            if quiet and row.lease_until is None and row.last_error is None:
                break
        if self.exchange.read(self.line).destinations:
            switching.sweep(self.world.rt, "main")
            self.world.go()
        held = {one.value for one in self.exchange.read(self.line).destinations}
        assert held == self.expected()
