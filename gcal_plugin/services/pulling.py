"""For an exchange that asks at each call: who rings at this instant, with no edge to be late."""

from __future__ import annotations

import gc
from datetime import timedelta
from functools import cache

from ..domain.destination import Destination
from ..domain.forwarding import desired_at
from ..domain.policy import ANY_LINE, DEFAULT, LineContext, Policy, decide, within_changes_cap
from ..ports import Line
from ..store.queries_pull import LineNow, line_now
from . import guarding
from .runtime import Runtime
from .switching.board import judged
from .switching.compute import day_of
from .switching.effect import Effect, Mode, forwarding_effect
from .switching.model import set_of

ANY_NUMBER = Destination.parse("+31201234567")


def prepare() -> None:
    """Load what the first call would wait for: the tables of the world's numbers take a while."""
    decide(ANY_NUMBER, DEFAULT, ANY_LINE)


@cache
def settle() -> None:
    """Once a process, after its first answer: keep the collector off what stays for ever.

    A whole application is some hundred thousand objects. Walking them now and then takes a tenth of
    a second, in which every call that comes in waits; newer objects are collected as always.
    """
    gc.freeze()


def ringing_now(rt: Runtime, pbx: str, line: Line) -> tuple[Destination, ...]:
    """The destinations of a line now, earliest start first; empty means its own route.

    A line that nobody linked looks the same as one without a forward.
    """
    with rt.store.glance() as session:
        at = rt.store.instant(session)
        found = line_now(session, pbx, line.domain, line.extension, at)
    return _ringing(rt, found) if found is not None else ()


def _ringing(rt: Runtime, now: LineNow) -> tuple[Destination, ...]:
    link, at = now.link, now.at
    policy = guarding.policy_for(rt.portal.tenant(link.tenant_id), link, now.state)
    context = guarding.context_of(rt, link, now.state, now.blocked)
    effect = forwarding_effect(
        link,
        at,
        killed=context.killed,
        grant_live=now.grant_live,
        synced_at=now.synced_at,
        calendar_gone=now.calendar_gone,
        stale_after=timedelta(seconds=rt.settings.stale_after_seconds),
    )
    calendar = _within_cap(_by_calendar(rt, now, effect, policy, context), now, policy)
    if now.trial is not None and at < now.trial[1] and effect.reason not in ("ended", "killed"):
        return _within_cap(_allowed(now.trial[0], policy, context), now, policy) or calendar
    return calendar


def _by_calendar(
    rt: Runtime, now: LineNow, effect: Effect, policy: Policy, context: LineContext
) -> tuple[Destination, ...]:
    if effect.mode is Mode.CLEAR:
        return ()
    if effect.mode is Mode.FALLBACK:
        return _allowed(now.link.fallback_number, policy, context)
    exchange = rt.telephony.get(now.link.pbx)
    limits = [policy.max_simultaneous, exchange.capabilities.max_destinations if exchange else None]
    desired = desired_at(
        [judged(row, policy, context) for row in now.windows],
        now.at,
        max_destinations=min(limit for limit in limits if limit is not None),
        own_extension=now.link.extension,
    ).destinations
    if effect.mode is Mode.FINISH:
        running = set_of(now.desired)
        return tuple(one for one in desired if one in running)
    return desired


def _within_cap(
    destinations: tuple[Destination, ...], now: LineNow, policy: Policy
) -> tuple[Destination, ...]:
    """Past the day's number of changes nothing starts any more; what runs goes on."""
    day, count = now.changes
    if within_changes_cap(count if day == day_of(now.at) else 0, policy):
        return destinations
    running = set_of(now.desired)
    return tuple(one for one in destinations if one in running)


def _allowed(value: str | None, policy: Policy, context: LineContext) -> tuple[Destination, ...]:
    if not value:
        return ()
    allowed = decide(Destination.parse(value), policy, context).destination
    return (allowed,) if allowed is not None else ()
