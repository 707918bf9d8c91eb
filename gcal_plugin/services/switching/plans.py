"""Exchanges that keep the coming windows themselves: no write is needed at an edge.

The plan of the next day goes ahead of time, and again when it changed or is running out. At an
edge we only note what the exchange does by itself; the sweep reads whether it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ...domain.destination import Destination, Kind
from ...domain.forwarding import segments
from ...ports import PlanWindow, Telephony
from .board import Board
from .effect import Mode
from .model import Intent, Step

PLAN_AHEAD = timedelta(hours=24)
PLAN_REFRESH = timedelta(hours=12)
"""A plan that reaches less far than this is handed over anew."""

Stored = list[list[Any]]


def with_plan(board: Board, intent: Intent, exchange: Telephony) -> None:
    """Decide whether the plan on the exchange still says what it should; else make a new one."""
    if intent.foreign:
        # A plan would end in nothing; sets, edge by edge, bring the customer's own forward back.
        if intent.claim.plan is not None:
            intent.step = Step.WRITE
        return
    facts = board.facts[intent.claim.link_id]
    until = board.at + PLAN_AHEAD
    effect = facts.effect
    if effect.mode is Mode.FOLLOW and intent.claim.trial_value is None:
        stop = min(until, effect.until) if effect.until is not None else until
        limits = [facts.policy.max_simultaneous, exchange.capabilities.max_destinations]
        intent.plan = [
            PlanWindow(part.start, part.end, one)
            for part in segments(
                board.windows(facts),
                board.at,
                stop,
                max_destinations=min(limit for limit in limits if limit is not None),
                own_extension=facts.link.extension,
            )
            for one in part.destinations
        ]
    elif intent.target:
        stop = intent.next_at or until
        intent.plan = [PlanWindow(board.at, min(stop, until), one) for one in sorted(intent.target)]
    intent.plan_until = until
    held, held_until = intent.claim.plan, intent.claim.plan_until
    fresh = held_until is not None and held_until - board.at > PLAN_REFRESH
    if held is None and not intent.plan and intent.step is Step.NOTHING:
        intent.plan_until = None
        return
    if (
        not intent.claim.in_doubt
        and intent.claim.last_error is None
        and fresh
        and held is not None
        and held_until is not None
        and same_from(held, stored(intent.plan), board.at, min(held_until, until))
        and _as_planned(intent)
    ):
        intent.step, intent.observed = Step.NOTHING, intent.target
        # What the exchange has, also of the time before this edge: the sweep compares with it.
        intent.plan, intent.plan_until = planned(held), held_until
        refresh = held_until - PLAN_REFRESH
    else:
        intent.step = Step.PLAN
        refresh = until - PLAN_REFRESH
    if intent.plan or held:
        instants = [instant for instant in (intent.next_at, refresh) if instant is not None]
        intent.next_at = min(instants)


def _as_planned(intent: Intent) -> bool:
    """Whether nobody found the exchange holding something else than its plan."""
    return intent.claim.due_cause != "repair"


def stored(plan: Sequence[PlanWindow]) -> Stored:
    """A plan as the database keeps it."""
    return [
        [
            one.start.timestamp(),
            one.end.timestamp(),
            one.destination.kind.value,
            one.destination.value,
        ]
        for one in plan
    ]


def planned(rows: Stored) -> list[PlanWindow]:
    """A stored plan read back."""
    return [
        PlanWindow(
            datetime.fromtimestamp(start, UTC),
            datetime.fromtimestamp(end, UTC),
            Destination(Kind(kind), value),
        )
        for start, end, kind, value in rows
    ]


def same_from(held: Stored, wanted: Stored, start: datetime, until: datetime) -> bool:
    """Whether two plans say the same from `start` to `until`, however they are cut up."""
    return _flat(held, start, until) == _flat(wanted, start, until)


def _flat(
    rows: Stored, start: datetime, until: datetime
) -> dict[tuple[str, str], list[list[float]]]:
    """Stretches per destination inside the limits, with adjoining ones joined."""
    first, last = start.timestamp(), until.timestamp()
    found: dict[tuple[str, str], list[list[float]]] = {}
    for begin, end, kind, value in sorted(rows):
        begin, end = max(begin, first), min(end, last)  # noqa: PLW2901 (cut to the limits)
        if begin >= end:
            continue
        stretches = found.setdefault((kind, value), [])
        if stretches and stretches[-1][1] >= begin:
            stretches[-1][1] = max(stretches[-1][1], end)
        else:
            stretches.append([begin, end])
    return found
