"""Why, and why not: what a link does at an instant, also in the past ninety days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.destination import Destination
from ..domain.forwarding import desired_at, next_change
from ..domain.policy import decide
from ..domain.schedule import Window
from ..store.tables import Calendar, Forwarding, Grant, LedgerEntry, Link, WindowRow
from . import guarding
from .runtime import Runtime
from .switching.board import judged
from .switching.effect import Mode, forwarding_effect
from .switching.model import set_of

AROUND = timedelta(hours=24)
"""Events are told that end at most so long before the instant or start so long after it."""
_MOST_SWITCHES = 50


class UnknownLink(LookupError):
    """No such link."""


def explain_at(rt: Runtime, link_id: UUID, at: datetime | None = None) -> dict[str, Any]:
    """Answer `{"at", "active", "next_edge", "events", "switches"}` as in the public contract.

    For a past instant the windows count as we knew them then: what was changed later does not. An
    event that reached us only afterwards counts as it first came; its `received` says so. The
    link's own state and the rules on destinations are those of now; what they were then shows in
    `switches`, the ledger of what went to the exchange around the instant, the latest before it and
    up to a day before and after: a pause, a kill, a refusal, with the version of the rules.

    From now on `active` is what calls do: the fallback number while that is in use, and only what
    runs already where nothing may start.
    """
    with rt.store.begin() as session:
        now = rt.store.now(session)
        instant = now if at is None else at.astimezone(UTC)
        link = session.get(Link, link_id)
        if link is None:
            raise UnknownLink(str(link_id))
        tenant = rt.portal.tenant(link.tenant_id)
        zone = ZoneInfo(tenant.time_zone if tenant else "Europe/Amsterdam")
        policy = guarding.policies(rt, session, [link])[link.id]
        context = guarding.line_context(rt, session, link)
        rows = _known_at(session, link, instant, min(instant, now))
        received = {row.event_id: row.received_at for row in rows}
        windows = [judged(row, policy, context) for row in rows]
        calendar = session.get(Calendar, link.calendar_id) if link.calendar_id else None
        grant = session.get(Grant, link.grant_id) if link.grant_id else None
        forwarding = session.get(Forwarding, link.id)
        running = set_of(forwarding.desired) if forwarding is not None else frozenset()
        switches = [_switch(entry, zone) for entry in _switches_around(session, link_id, instant)]
    exchange = rt.telephony.get(link.pbx)
    limits = [policy.max_simultaneous, exchange.capabilities.max_destinations if exchange else None]
    options: dict[str, Any] = {
        "max_destinations": min(limit for limit in limits if limit is not None),
        "own_extension": link.extension,
    }
    effect = forwarding_effect(
        link,
        instant,
        killed=context.killed,
        grant_live=grant is not None and grant.state == "live",
        synced_at=_stale_reading(rt, calendar, now) if instant >= now else None,
        calendar_gone=calendar is not None and calendar.gone_at is not None,
        stale_after=timedelta(seconds=rt.settings.stale_after_seconds),
    )
    mode = Mode.FOLLOW if instant < now else effect.mode
    active: Sequence[Destination] = ()
    if mode is Mode.FALLBACK:
        fallback = decide(Destination.parse(link.fallback_number or ""), policy, context)
        active = (fallback.destination,) if fallback.destination is not None else ()
    elif mode is not Mode.CLEAR:
        active = desired_at(windows, instant, **options).destinations
    if mode is Mode.FINISH:
        active = [one for one in active if one in running]
    edge = next_change(windows, instant, **options)
    return {
        "at": instant.astimezone(zone).isoformat(),
        "active": [{"kind": one.kind.value, "value": one.value} for one in active],
        "next_edge": edge.astimezone(zone).isoformat() if edge is not None else None,
        "events": [
            _event(one, received[one.event_id], zone)
            for one in sorted(windows, key=lambda one: one.start)
            if one.end > instant - AROUND and one.start < instant + AROUND
        ],
        "switches": switches,
    }


def _stale_reading(rt: Runtime, calendar: Calendar | None, now: datetime) -> datetime | None:
    """The last reading, where it is stale by now; one that is fresh gives no reason to expect that
    the calendar will not be read again before a coming instant.
    """
    if calendar is None or calendar.synced_at is None:
        return None
    stale_after = timedelta(seconds=rt.settings.stale_after_seconds)
    return calendar.synced_at if now - calendar.synced_at >= stale_after else None


def _switches_around(session: Session, link_id: UUID, instant: datetime) -> list[LedgerEntry]:
    """The ledger of a day before and after, with the last one before that: what stood then."""
    of_link = sa.select(LedgerEntry).where(LedgerEntry.link_id == link_id)
    newest = LedgerEntry.due_at.desc(), LedgerEntry.id.desc()
    around = session.scalars(
        of_link.where(LedgerEntry.due_at > instant - AROUND, LedgerEntry.due_at < instant + AROUND)
        .order_by(*newest)
        .limit(_MOST_SWITCHES)
    ).all()
    before = session.scalars(
        of_link.where(LedgerEntry.due_at <= instant - AROUND).order_by(*newest).limit(1)
    ).all()
    return [*before, *reversed(around)]


def _switch(entry: LedgerEntry, zone: ZoneInfo) -> dict[str, Any]:
    answered = entry.answered_at
    return {
        "at": entry.due_at.astimezone(zone).isoformat(),
        "cause": entry.cause,
        "active": [{"kind": kind, "value": value} for kind, value in entry.destinations],
        "outcome": entry.outcome,
        "detail": entry.detail or None,
        "answered": answered.astimezone(zone).isoformat() if answered else None,
        "policy": entry.policy_version or None,
    }


def _known_at(session: Session, link: Link, instant: datetime, known: datetime) -> list[WindowRow]:
    """The version of each event, from `instant` on, that we had by `known`, or first got later."""
    if link.calendar_id is None:
        return []
    rows = session.scalars(
        sa.select(WindowRow)
        .where(
            WindowRow.calendar_id == link.calendar_id,
            WindowRow.end_at > instant - AROUND,
            sa.or_(WindowRow.replaced_at.is_(None), WindowRow.replaced_at > known),
        )
        .order_by(WindowRow.received_at)
    )
    first: dict[str, WindowRow] = {}
    for row in rows:
        first.setdefault(row.event_id, row)
    return list(first.values())


def _event(window: Window, received: datetime, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": window.event_id,
        "start": window.start.astimezone(zone).isoformat(),
        "end": window.end.astimezone(zone).isoformat(),
        "kind": window.kind.value,
        "value": window.value,
        "allowed": window.allowed,
        "reason": window.reason.value if window.reason else None,
        "received": received.astimezone(zone).isoformat(),
    }
