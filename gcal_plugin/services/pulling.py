"""For an exchange that asks at each call: who rings at this instant, with no edge to be late."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from ..domain.destination import Destination
from ..domain.forwarding import desired_at
from ..domain.policy import decide
from ..ports import Line
from ..store.tables import Forwarding, Link
from .runtime import Runtime
from .switching.board import LinkFacts, load
from .switching.effect import Mode
from .switching.model import set_of


def ringing_now(rt: Runtime, pbx: str, line: Line) -> tuple[Destination, ...]:
    """The destinations of a line now, earliest start first; empty means its own route.

    A line that nobody linked looks the same as one without a forward.
    """
    with rt.store.begin() as session:
        found = session.execute(
            sa.select(Link.id, Forwarding)
            .outerjoin(Forwarding, Forwarding.link_id == Link.id)
            .where(
                Link.pbx == pbx,
                Link.domain == line.domain,
                Link.extension == line.extension,
                Link.ended_at.is_(None),
            )
        ).first()
        if found is None:
            return ()
        link_id = found[0]
        forwarding: Forwarding | None = found[1]
        at = rt.store.now(session)
        board = load(rt, session, [link_id], at)
        facts = board.facts[link_id]
        trial = _trial(facts, forwarding, board.at)
        if trial is not None:
            return (trial,)
        if facts.effect.mode is Mode.CLEAR:
            return ()
        if facts.effect.mode is Mode.FALLBACK:
            return _fallback(facts)
        exchange = rt.telephony.get(pbx)
        most = [facts.policy.max_simultaneous]
        if exchange is not None and exchange.capabilities.max_destinations is not None:
            most.append(exchange.capabilities.max_destinations)
        desired = desired_at(
            board.windows(facts),
            at,
            max_destinations=min(most),
            own_extension=facts.link.extension,
        ).destinations
        if facts.effect.mode is Mode.FINISH:
            running = set_of(forwarding.desired if forwarding is not None else None)
            return tuple(one for one in desired if one in running)
        return desired


def _trial(facts: LinkFacts, forwarding: Forwarding | None, at: datetime) -> Destination | None:
    if forwarding is None or forwarding.trial_value is None or forwarding.trial_until is None:
        return None
    if forwarding.trial_until <= at or facts.effect.reason in ("ended", "killed"):
        return None
    value = Destination.parse(forwarding.trial_value)
    return decide(value, facts.policy, facts.context).destination


def _fallback(facts: LinkFacts) -> tuple[Destination, ...]:
    number = facts.link.fallback_number
    if not number:
        return ()
    allowed = decide(Destination.parse(number), facts.policy, facts.context).destination
    return (allowed,) if allowed is not None else ()
