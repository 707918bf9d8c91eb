"""What takes a working link down without its owner's wish: access lost, calendar gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.link_state import LinkAction, LinkState
from ..store import queries_channels
from ..store.tables import Calendar, Grant, Link
from . import alarms, grant_tokens
from .access import SYSTEM
from .link_records import move, note, wants_attention, works_again
from .runtime import Runtime

_ALIVE = (LinkState.LINKED, LinkState.CHOOSING, LinkState.CALENDAR_GONE)


def grant_lost(rt: Runtime, grant_id: UUID, reason: str, *, sealed: str | None = None) -> int:
    """The grant is over (`revoked`, `account_disabled`, ...): links stop, owners are told.

    `sealed`: only where this is still its stored refresh token, so that a reconnect which came
    first wins. Answers how many links it took down. Telling it twice changes nothing.
    """
    with rt.store.begin() as session:
        grant = session.get(Grant, grant_id, with_for_update=True, populate_existing=True)
        if grant is None or (sealed is not None and grant.refresh_token != sealed):
            return 0
        now = rt.store.now(session)
        grant.state, grant.ended_at, grant.checked_at = "revoked", grant.ended_at or now, now
        grant_tokens.drop_tokens(grant)
        links = session.scalars(
            sa.select(Link).where(
                Link.grant_id == grant_id, Link.state.in_([state.value for state in _ALIVE])
            )
        ).all()
        _break(rt, session, links, LinkAction.LOSE_ACCESS, reason, now)
        session.execute(
            sa.update(Calendar)
            .where(Calendar.grant_id == grant_id)
            .values(generation=Calendar.generation + 1, next_sync_at=None)
        )
        queries_channels.give_up(session, grant_id, now)
        woken = [(link.pbx, link.id) for link in links]
    _wake(rt, woken)
    return len(woken)


def calendar_lost(rt: Runtime, calendar_id: UUID, reason: str) -> int:
    """The calendar is `gone`, or its titles became `unreadable`; answers how many links stop."""
    with rt.store.begin() as session:
        now = rt.store.now(session)
        links = session.scalars(
            sa.select(Link).where(
                Link.calendar_id == calendar_id, Link.state == LinkState.LINKED.value
            )
        ).all()
        _break(rt, session, links, LinkAction.LOSE_CALENDAR, reason, now)
        session.execute(
            sa.update(Calendar)
            .where(Calendar.id == calendar_id)
            .values(gone_at=now if reason == "gone" else None, generation=Calendar.generation + 1)
        )
        woken = [(link.pbx, link.id) for link in links]
    _wake(rt, woken)
    return len(woken)


def calendar_back(rt: Runtime, calendar_id: UUID) -> int:
    """The calendar can be read again: its links go on; answers how many."""
    with rt.store.begin() as session:
        now = rt.store.now(session)
        links = session.scalars(
            sa.select(Link).where(
                Link.calendar_id == calendar_id, Link.state == LinkState.CALENDAR_GONE.value
            )
        ).all()
        for link in links:
            move(link, LinkAction.FIND_CALENDAR)
            works_again(session, link, now)
            wants_attention(session, link, now)
            note(session, link, "calendar_back", SYSTEM, now)
        woken = [(link.pbx, link.id) for link in links]
    _wake(rt, woken)
    return len(woken)


def _break(
    rt: Runtime,
    session: Session,
    links: Sequence[Link],
    action: LinkAction,
    reason: str,
    now: datetime,
) -> None:
    for link in links:
        move(link, action)
        link.broken_at, link.broken_reason = now, reason
        wants_attention(session, link, now)
        note(session, link, reason, SYSTEM, now)
        alarms.link_broken(rt, session, link, reason, now)


def _wake(rt: Runtime, woken: Sequence[tuple[str, UUID]]) -> None:
    for pbx in {pbx for pbx, _ in woken}:
        rt.wake.switch(pbx, [link_id for name, link_id in woken if name == pbx])
    if woken:
        rt.wake.mail()
