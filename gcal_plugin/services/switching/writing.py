"""One line's write: as it is asked for, and what is left of it where a destination is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from ...domain.destination import Destination
from ...ports import Applied, InvalidDestination, Telephony, TelephonyError, Temporary
from .breaker import Breaker
from .foreseen import asked
from .model import Intent, Outcome, Step

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether another request may go to an exchange: not while it is left alone, and not from
    `deadline` on, since our lease may end before the answer.
    """

    breaker: Breaker
    clock: Clock
    deadline: datetime

    def waits(self) -> float | None:
        """None where a request may go now; else the seconds until it is worth looking again."""
        if self.clock() >= self.deadline:
            return 0.0
        return self.breaker.waits() or None

    def told(self, error: TelephonyError | None) -> None:
        """What came of it: only silence and trouble of its own count against an exchange, never a
        refusal.
        """
        if isinstance(error, Temporary):
            self.breaker.silent()
        else:
            self.breaker.answered()


def write(exchange: Telephony, intent: Intent, turn: Turn) -> Outcome:
    """Write one line, or what the exchange takes of it."""
    wait = turn.waits()
    if wait is not None:
        return Outcome(intent, held_back=wait)
    sent_at = turn.clock()
    outcome = _write(exchange, intent)
    turn.told(outcome.error)
    return write_rest(exchange, replace(outcome, sent_at=sent_at, answered_at=turn.clock()), turn)


def write_rest(exchange: Telephony, outcome: Outcome, turn: Turn) -> Outcome:
    """One bad destination does not sink the others: write those that the exchange takes."""
    if not isinstance(outcome.error, InvalidDestination) or not outcome.intent.target:
        return outcome
    rest = _leave_out(exchange, outcome.intent, outcome.error, turn)
    return replace(rest, sent_at=outcome.sent_at, answered_at=turn.clock())


def _write(exchange: Telephony, intent: Intent) -> Outcome:
    until = intent.plan_until
    if intent.step is Step.PLAN and until is not None:
        return _outcome(
            intent,
            lambda: exchange.replace_plan(
                intent.line, intent.plan, valid_until=until, revision=intent.revision
            ),
        )
    return _outcome(
        intent, lambda: exchange.replace(intent.line, intent.target, revision=intent.revision)
    )


def _outcome(intent: Intent, write: Callable[[], Applied]) -> Outcome:
    try:
        return Outcome(intent, applied=asked(write))
    except TelephonyError as error:
        return Outcome(intent, error=error)


def _leave_out(
    exchange: Telephony, intent: Intent, error: InvalidDestination, turn: Turn
) -> Outcome:
    """Leave out what the exchange refuses: the one it named, or else each in turn.

    Where no request may go any more, the line is given back; once some were tried, it counts as
    refused, so that somebody hears of it.
    """
    refused: list[tuple[Destination, str]] = []
    left = set(intent.target)
    latest: TelephonyError = error
    while left:
        bad = error.destination if error.destination in left else None
        candidates = [bad] if bad is not None else sorted(left, reverse=True)
        for one in candidates:
            wait = turn.waits()
            if wait is not None:
                if latest is error and not refused:
                    return Outcome(intent, held_back=wait)
                return Outcome(intent, error=latest, refused=tuple(refused))
            outcome = _try(exchange, intent, frozenset(left - {one}))
            turn.told(outcome.error)
            if outcome.applied is not None:
                refused.append((one, str(latest)))
                return replace(outcome, refused=tuple(refused))
            assert outcome.error is not None
            latest = outcome.error
            if not isinstance(latest, InvalidDestination):
                return replace(outcome, refused=tuple(refused))
        # Leaving out one was not enough: drop it and go on with the others.
        left.discard(candidates[0])
        refused.append((candidates[0], str(error)))
        if isinstance(latest, InvalidDestination):
            error = latest
    return Outcome(intent, error=latest, refused=tuple(refused))


def _try(exchange: Telephony, intent: Intent, destinations: frozenset[Destination]) -> Outcome:
    if intent.step is Step.PLAN and intent.plan_until is not None:
        windows = [
            window
            for window in intent.plan
            if window.destination in destinations or window.destination not in intent.target
        ]
        intent.plan = windows
        return _write(exchange, intent)
    return _outcome(
        intent, lambda: exchange.replace(intent.line, destinations, revision=intent.revision)
    )
