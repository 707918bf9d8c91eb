"""From claimed lines to what each should hold: level-triggered, so never what was missed.

A line that is looked at late gets what is true now. Nothing here talks to an exchange.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from ...domain.destination import Destination
from ...domain.forwarding import desired_at
from ...domain.policy import decide, within_changes_cap
from ...domain.reasons import Reason
from ...ports import Telephony
from ...store.queries_switching import Claim
from ..runtime import Runtime
from .board import Board, LinkFacts, load
from .effect import Mode
from .model import Intent, Step, earliest, set_of
from .plans import PLAN_AHEAD, with_plan
from .poison import spoil


def compute(
    rt: Runtime, session: Session, claims: Sequence[Claim], at: datetime
) -> tuple[Board, list[Intent]]:
    """Work out every claimed line at `at`; what to do about it comes after.

    Their exchanges must be configured. A line that cannot be worked out carries its fault and does
    not touch the others.
    """
    exchanges = {claim.pbx: rt.telephony[claim.pbx] for claim in claims}
    board = load(
        rt,
        session,
        [claim.link_id for claim in claims],
        at,
        until=at + PLAN_AHEAD if any(map(keeps_plans, exchanges.values())) else None,
    )
    return board, [_safely(exchanges[claim.pbx], board, claim) for claim in claims]


def choose_steps(rt: Runtime, board: Board, intents: Sequence[Intent]) -> None:
    """Decide for each line whether anything has to be written."""
    for intent in intents:
        if intent.fault is not None:
            continue
        exchange = rt.telephony[intent.claim.pbx]
        try:
            _decide_step(intent, exchange)
            if keeps_plans(exchange):
                with_plan(board, intent, exchange)
        except Exception as fault:  # noqa: BLE001 (as below)
            spoil(intent, board, fault)


def keeps_plans(exchange: Telephony) -> bool:
    """Whether coming windows are handed over: not where forwards chain, since whether calls would
    go round is known at each instant only.
    """
    return exchange.capabilities.plan and not exchange.capabilities.chains_forwards


def _safely(exchange: Telephony, board: Board, claim: Claim) -> Intent:
    intent = Intent(claim, board.at, revision=claim.revision, foreign=None)
    try:
        if claim.foreign_set is not None:
            intent.foreign = set_of(claim.foreign_set)
        if not claim.in_doubt and claim.observed is not None:
            intent.observed = set_of(claim.observed)
        _work_out(intent, exchange, board)
    except Exception as fault:  # noqa: BLE001 (one poisoned line must not sink the batch; recorded)
        spoil(intent, board, fault)
    return intent


def _work_out(intent: Intent, exchange: Telephony, board: Board) -> None:
    claim = intent.claim
    facts = board.facts[claim.link_id]
    if facts.fault is not None and (facts.effect.mode is not Mode.CLEAR or claim.trial_value):
        raise facts.fault  # own route again: that takes no rules
    intent.policy_version = facts.policy.version
    intent.calendar_id = facts.link.calendar_id
    # A claim that ended without a word may have written, but not for a link that was never made.
    maybe_ours = claim.in_doubt and facts.link.linked_at is not None
    intent.fresh = claim.observed is None and not maybe_ours
    intent.effect = facts.effect.reason or facts.effect.mode.value
    edge = board.next_edge(facts) if facts.effect.mode in (Mode.FOLLOW, Mode.FINISH) else None
    intent.next_at = earliest(edge, facts.effect.until)
    _ask_calendar(intent, exchange, board, facts)
    _ask_trial(intent, facts)
    _hold_to_cap(intent, facts)
    if intent.foreign:
        # Whoever asked to be left alone is, also by a forward that somebody set by hand.
        intent.foreign = frozenset(one for one in intent.foreign if not _unwanted(one, facts))
    intent.target = frozenset(intent.ours) or (intent.foreign or frozenset())


def _unwanted(destination: Destination, facts: LinkFacts) -> bool:
    return decide(destination, facts.policy, facts.context).reason is Reason.BLOCKED_BY_OWNER


def _ask_calendar(intent: Intent, exchange: Telephony, board: Board, facts: LinkFacts) -> None:
    effect, link = facts.effect, facts.link
    if effect.mode is Mode.CLEAR:
        return
    if effect.mode is Mode.FALLBACK and link.fallback_number:
        verdict = decide(Destination.parse(link.fallback_number), facts.policy, facts.context)
        if verdict.destination is not None:
            intent.ours = (verdict.destination,)
        return
    windows = board.windows(facts)
    limits = [facts.policy.max_simultaneous, exchange.capabilities.max_destinations]
    desired = desired_at(
        windows,
        board.at,
        max_destinations=min(limit for limit in limits if limit is not None),
        own_extension=link.extension,
    )
    intent.ours = desired.destinations
    intent.refused = [[one.kind.value, one.value, reason.value] for one, reason in desired.dropped]
    intent.refused += [
        [window.kind.value, window.value or "", window.reason.value]
        for window in windows
        if window.reason is not None and window.start <= board.at < window.end
    ]
    if effect.mode is Mode.FINISH:
        running = set_of(intent.claim.desired)
        intent.ours = tuple(one for one in intent.ours if one in running)
    intent.event_ids = [event_id for one in intent.ours for event_id in desired.causes.get(one, ())]


def _ask_trial(intent: Intent, facts: LinkFacts) -> None:
    """A trial forward stands in for the calendar for its minute, under the same rules."""
    claim = intent.claim
    if claim.trial_value is None or claim.trial_until is None:
        return
    if intent.at >= claim.trial_until or facts.effect.reason in ("ended", "killed"):
        intent.trial_over = True
        return
    verdict = decide(Destination.parse(claim.trial_value), facts.policy, facts.context)
    if verdict.destination is not None:
        intent.ours, intent.event_ids = (verdict.destination,), []
    intent.next_at = earliest(intent.next_at, claim.trial_until)


def _hold_to_cap(intent: Intent, facts: LinkFacts) -> None:
    """Past the day's number of changes nothing starts any more; ends are never held back."""
    claim = intent.claim
    running = set_of(claim.desired)
    starting = [one for one in intent.ours if one not in running]
    intent.starts = bool(starting)
    if not starting:
        return
    today = claim.changes_count if claim.changes_day == day_of(intent.at) else 0
    if within_changes_cap(today, facts.policy):
        return
    intent.ours = tuple(one for one in intent.ours if one in running)
    intent.refused += [[one.kind.value, one.value, Reason.CHANGES_CAP.value] for one in starting]
    intent.starts = False


def _decide_step(intent: Intent, exchange: Telephony) -> None:
    if exchange.capabilities.mode == "pull":
        # The exchange asks us at each call: what we record is what it will hear.
        intent.observed, intent.step = intent.target, Step.NOTHING
    elif intent.observed is not None and intent.observed == intent.target:
        intent.step = Step.NOTHING
    else:
        intent.step = Step.WRITE


def day_of(at: datetime) -> str:
    """The day by which changes are counted."""
    return at.date().isoformat()


def faults(intents: Iterable[Intent]) -> list[Intent]:
    """The lines that could not be worked out, and of which nothing ends either."""
    return [one for one in intents if one.fault is not None and one.step is Step.NOTHING]
