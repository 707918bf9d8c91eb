"""Lines that cannot be worked out: what runs on them still ends, and nothing starts.

A value that this version does not know (after a roll-back, say), or a portal that breaks over one
account, takes the rules away, not the times: a destination whose stored windows are all over has no
reason to ring any longer.
"""

from __future__ import annotations

import structlog

from ...domain.destination import Destination
from .board import Board, LinkFacts
from .effect import Mode
from .model import Intent, Step, earliest, set_of

log = structlog.get_logger(__name__)


def spoil(intent: Intent, board: Board, fault: Exception) -> None:
    """Note that nothing can be worked out for a line, and leave it what is over to be ended."""
    log.error("line_unworkable", link_id=str(intent.claim.link_id), fault=repr(fault))
    intent.fault, intent.step, intent.starts = fault, Step.NOTHING, False
    try:
        _end_what_is_over(intent, board)
    except Exception as again:  # noqa: BLE001 (it has its fault already; only its end is lost)
        log.error("end_unworkable", link_id=str(intent.claim.link_id), fault=repr(again))


def _end_what_is_over(intent: Intent, board: Board) -> None:
    claim, facts = intent.claim, board.facts[intent.claim.link_id]
    intent.next_at = earliest(
        *(
            instant
            for instant in (board.next_edge(facts), facts.effect.until, claim.trial_until)
            if instant is not None and instant > board.at
        )
    )
    running = set_of(claim.desired)
    going_on = frozenset(one for one in running if _goes_on(one, intent, board, facts))
    if going_on == running or (claim.plan is not None and facts.effect.mode is not Mode.CLEAR):
        return  # a plan that the exchange keeps ends by itself
    intent.ours, intent.event_ids = tuple(sorted(going_on)), []
    intent.refused = claim.refused
    intent.foreign = set_of(claim.foreign_set) if claim.foreign_set is not None else None
    intent.target = going_on or intent.foreign or frozenset()
    intent.step, intent.plan, intent.plan_until = Step.WRITE, [], None


def _goes_on(one: Destination, intent: Intent, board: Board, facts: LinkFacts) -> bool:
    claim, effect = intent.claim, facts.effect
    trial = claim.trial_until is not None and board.at < claim.trial_until
    if trial and one.value == claim.trial_value and effect.reason not in ("ended", "killed"):
        return True
    if effect.mode is Mode.CLEAR:
        return False
    if effect.mode is Mode.FALLBACK:
        return one.value == facts.link.fallback_number
    # Open by its times alone: what the rules say of it is what cannot be known.
    return any(
        (row.kind, row.value) == (one.kind.value, one.value)
        and row.start_at <= board.at < row.end_at
        for row in board.rows_of(facts)
    )
