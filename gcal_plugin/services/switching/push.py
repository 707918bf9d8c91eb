"""Taking intents to their exchange: read where in doubt, prepare early, send, judge the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from ...ports import (
    Applied,
    BulkResult,
    ForeignForward,
    InvalidDestination,
    LineState,
    StaleRevision,
    Telephony,
    TelephonyError,
    Temporary,
)
from ...ports.arming import Armable, Prepared
from .breaker import Breaker
from .foreseen import Unforeseen, asked, asked_many, prepared
from .model import Intent, Outcome, Step
from .writing import Clock, Turn, write, write_rest

READS = 25
"""The most lines in doubt of a batch that are read one by one before writing; beyond that, writing
the whole set again is cheaper than asking, and as safe."""
FIRST_READS = 100
"""The most lines of a batch that are met for the first time: each is read, since what stands there
is not ours. The others wait for the next batch, so that reading never outlasts the lease."""
NEXT_BATCH = 0.2
"""Seconds until those others are looked at."""
HANDS = 4
"""Requests at once to one exchange from one process, where lines go one by one."""

T = TypeVar("T")


def read_doubtful(
    exchange: Telephony, intents: Sequence[Intent], breaker: Breaker
) -> dict[int, TelephonyError | None]:
    """Ask the exchange about lines of which we must not guess what they hold.

    An earlier write may have landed although its answer never came: reading first keeps it at one
    write. A line that we never wrote to may have a forward of its owner's: it is always read.
    Answers, by the intent's `id`, why nothing may be written now; None where there was no time.
    """
    unknown = [one for one in intents if one.step is not Step.NOTHING and one.observed is None]
    if not exchange.capabilities.read_back or not unknown:
        return {}
    first = [one for one in unknown if one.fresh]
    doubtful = [one for one in unknown if one.step is Step.WRITE and not one.fresh]
    if len(doubtful) > READS:
        doubtful = [one for one in doubtful if not one.target][:READS]
    failed: dict[int, TelephonyError | None] = {id(one): None for one in first}

    def read(intent: Intent) -> None:
        if breaker.waits():
            return
        try:
            held = asked(lambda: exchange.read(intent.line))
        except Temporary as error:
            breaker.silent()
            failed[id(intent)] = error
        except TelephonyError as error:
            # Not about silence: the write that follows meets the same refusal and tells it.
            breaker.answered()
            failed.pop(id(intent), None)
            if isinstance(error, ForeignForward) and not intent.target and not intent.plan:
                intent.step = Step.NOTHING  # its owner's, and nothing of ours is to stand there
            elif isinstance(error, ForeignForward) or (
                intent.fresh and isinstance(error, Unforeseen)
            ):
                failed[id(intent)] = error  # what stands there may be its owner's
        else:
            failed.pop(id(intent), None)
            breaker.answered()
            try:
                learn(intent, held, fences=exchange.capabilities.fences)
            except StaleRevision as error:
                failed[id(intent)] = error

    chosen = [*first[:FIRST_READS], *doubtful]
    with ThreadPoolExecutor(min(HANDS, len(chosen) or 1)) as pool:
        list(pool.map(read, chosen))
    return failed


def learn(intent: Intent, held: Applied, *, fences: bool = False) -> None:
    """Take in what the exchange holds for a line, and decide again.

    Where somebody whom we overtook may still be sending, what is right already is written once more
    on an exchange that `fences`: from then on it refuses the older write.

    Raises `StaleRevision` where somebody wrote at a revision above ours: they may have overtaken
    us, so we must not write over them. Recorded, the next claim starts above it.
    """
    if intent.fresh and held.destinations:
        # It stood there before our first write: kept, and put back when ours ends.
        intent.foreign = held.destinations
        intent.target = frozenset(intent.ours) or held.destinations
        # A plan would end in nothing; sets bring theirs back.
        intent.step, intent.plan, intent.plan_until = Step.WRITE, [], None
    intent.observed = held.destinations
    to_come = fences and intent.claim.overtook and held.revision < intent.revision - 1
    if to_come and not intent.fresh:
        return
    if intent.step is Step.WRITE and intent.observed == intent.target:
        intent.step = Step.NOTHING
        intent.revision = max(intent.revision, held.revision)
    elif held.revision >= intent.revision:
        raise StaleRevision(f"the exchange holds revision {held.revision} already", held=held)


@dataclass(slots=True)
class Volley:
    """Writes for one exchange, ready to go."""

    exchange: Telephony
    intents: list[Intent]
    prepared: Prepared | None = None

    @classmethod
    def arm(cls, exchange: Telephony, intents: Sequence[Intent]) -> Volley:
        """Do everything that can be done before the instant."""
        volley = cls(exchange, list(intents))
        if volley._bulk and isinstance(exchange, Armable):
            volley.prepared = prepared(exchange, volley._states)
        return volley

    def without(self, overtaken: set[int]) -> Volley:
        """The same volley without these intents (by `id`), which somebody else took over."""
        return Volley.arm(self.exchange, [one for one in self.intents if id(one) not in overtaken])

    @property
    def _bulk(self) -> bool:
        several = len(self.intents) > 1 and self.exchange.capabilities.bulk > 0
        return several and all(one.step is Step.WRITE for one in self.intents)

    @property
    def _states(self) -> list[LineState]:
        return [LineState(one.line, one.target, one.revision) for one in self.intents]

    def fire(self, breaker: Breaker, clock: Clock, deadline: datetime) -> list[Outcome]:
        """Send, unless the exchange is being left alone; one outcome per intent.

        Nothing is sent from `deadline` on: our lease may end before the answer, and then another
        worker is in charge.
        """
        if not self.intents:
            return []
        if clock() < deadline and any(one.observed is None for one in self.intents):
            return self._read_first(breaker, clock, deadline)
        return self._send_all(breaker, clock, deadline)

    def _read_first(self, breaker: Breaker, clock: Clock, deadline: datetime) -> list[Outcome]:
        asked_at = clock()
        failed = read_doubtful(self.exchange, self.intents, breaker)
        outcomes = [Outcome(one, quiet=True) for one in self.intents if one.step is Step.NOTHING]
        for one in self.intents:
            if id(one) in failed:
                error = failed[id(one)]
                outcomes.append(
                    Outcome(one, error=error, sent_at=asked_at, answered_at=clock(), unsent=True)
                    if error is not None
                    else Outcome(one, held_back=breaker.waits() or NEXT_BATCH)
                )
        done = {id(one.intent) for one in outcomes}
        rest = [one for one in self.intents if id(one) not in done]
        if rest:
            self.intents, self.prepared = rest, None
            outcomes += self._send_all(breaker, clock, deadline)
        return outcomes

    def _send_all(self, breaker: Breaker, clock: Clock, deadline: datetime) -> list[Outcome]:
        turn = Turn(breaker, clock, deadline)
        if not self._bulk:
            return self._at_once(self.intents, lambda one: write(self.exchange, one, turn))
        wait, sent_at = turn.waits(), clock()
        if wait is not None:
            return [Outcome(intent, held_back=wait) for intent in self.intents]
        try:
            results = self._send(turn)
        except Unforeseen:
            # One line that the adapter breaks on must not keep the others from being written.
            return self._at_once(self.intents, lambda one: write(self.exchange, one, turn))
        answered_at = clock()
        outcomes = [
            Outcome(intent, result.applied, result.error, sent_at=sent_at, answered_at=answered_at)
            for intent, result in zip(self.intents, results, strict=True)
        ]
        refused = [one for one in outcomes if isinstance(one.error, InvalidDestination)]
        if not refused:
            return outcomes
        rest = self._at_once(refused, lambda one: write_rest(self.exchange, one, turn))
        better = {id(one): instead for one, instead in zip(refused, rest, strict=True)}
        return [better.get(id(one), one) for one in outcomes]

    def _send(self, turn: Turn) -> list[BulkResult]:
        ready, states = self.prepared, self._states
        try:
            results = asked_many(
                ready.send if ready is not None else lambda: self.exchange.replace_many(states),
                len(states),
            )
        except Unforeseen as error:
            turn.told(error)
            raise
        except TelephonyError as error:
            results = [BulkResult(one.line, error=error) for one in self.intents]
        turn.told(results[0].error if all(one.error for one in results) else None)
        return results

    @staticmethod
    def _at_once(items: Sequence[T], work: Callable[[T], Outcome]) -> list[Outcome]:
        """`HANDS` of them at a time; answers in their order."""
        if len(items) == 1:
            return [work(items[0])]
        with ThreadPoolExecutor(min(HANDS, len(items))) as pool:
            return list(pool.map(work, items))
