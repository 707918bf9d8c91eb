"""For an exchange that asks at each call: who rings at this instant, with no edge to be late."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ..domain.destination import Destination
from ..domain.forwarding import desired_at
from ..domain.policy import LineContext, Policy, decide
from ..domain.schedule import judge
from ..ports import Line
from ..store.queries_guards import blocked_values
from ..store.queries_pull import LineNow, line_now
from . import guarding
from .runtime import Runtime
from .switching.board import as_window
from .switching.effect import Effect, Mode, forwarding_effect
from .switching.model import set_of


def ringing_now(rt: Runtime, pbx: str, line: Line) -> tuple[Destination, ...]:
    """The destinations of a line now, earliest start first; empty means its own route.

    A line that nobody linked looks the same as one without a forward.
    """
    with rt.store.begin() as session:
        at = rt.store.now(session)
        found = line_now(session, pbx, line.domain, line.extension, at)
        return _ringing(rt, session, found, at) if found is not None else ()


def _ringing(rt: Runtime, session: Session, now: LineNow, at: datetime) -> tuple[Destination, ...]:
    link = now.link
    policy = guarding.policy_for(rt.portal.tenant(link.tenant_id), link, now.state)
    blocked = blocked_values(session, {link.tenant_id})[link.tenant_id]
    context = guarding.context_of(rt, link, now.state, blocked)
    effect = forwarding_effect(
        link,
        at,
        killed=context.killed,
        grant_live=now.grant_live,
        synced_at=now.synced_at,
        calendar_gone=now.calendar_gone,
        stale_after=timedelta(seconds=rt.settings.stale_after_seconds),
    )
    if now.trial is not None and at < now.trial[1] and effect.reason not in ("ended", "killed"):
        return _allowed(now.trial[0], policy, context)
    if effect.mode is Mode.FALLBACK:
        return _allowed(link.fallback_number, policy, context)
    return _by_calendar(rt, now, at, effect, policy, context)


def _by_calendar(
    rt: Runtime, now: LineNow, at: datetime, effect: Effect, policy: Policy, context: LineContext
) -> tuple[Destination, ...]:
    if effect.mode is Mode.CLEAR:
        return ()
    exchange = rt.telephony.get(now.link.pbx)
    limits = [policy.max_simultaneous, exchange.capabilities.max_destinations if exchange else None]
    desired = desired_at(
        [judge(as_window(row), policy, context) for row in now.windows],
        at,
        max_destinations=min(limit for limit in limits if limit is not None),
        own_extension=now.link.extension,
    ).destinations
    if effect.mode is Mode.FINISH:
        running = set_of(now.desired)
        return tuple(one for one in desired if one in running)
    return desired


def _allowed(value: str | None, policy: Policy, context: LineContext) -> tuple[Destination, ...]:
    if not value:
        return ()
    allowed = decide(Destination.parse(value), policy, context).destination
    return (allowed,) if allowed is not None else ()
