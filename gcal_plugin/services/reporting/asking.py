"""Small questions from a page about one link: fetch it now, may it be forwarded there."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from ...domain.policy import Verdict, explain
from ...ports import Account
from ...store import scope
from ...store.tables import Calendar
from .. import guarding
from ..access import as_customer
from ..runtime import Runtime
from ..switching import mark_due


def ask_refresh(rt: Runtime, account: Account, link_id: UUID | str) -> bool | None:
    """Have the calendar fetched and the exchange looked at now.

    Answers whether a worker was woken, or None where there is no calendar yet.
    """
    with rt.store.begin() as session:
        link = scope.link(session, as_customer(account), link_id)
        if link.calendar_id is None:
            return None
        now = rt.store.now(session)
        session.execute(
            sa.update(Calendar).where(Calendar.id == link.calendar_id).values(next_sync_at=now)
        )
        mark_due(session, [link.id], now)
        calendar_id, pbx, key = link.calendar_id, link.pbx, link.id
    woken = rt.wake.sync([calendar_id], urgent=True)
    rt.wake.switch(pbx, [key])
    return woken


def verdict_on(rt: Runtime, account: Account, link_id: UUID | str, title: str) -> Verdict:
    """What a title would do on this link, by the rules of now."""
    with rt.store.begin() as session:
        link = scope.link(session, as_customer(account), link_id)
        policy = guarding.policies(rt, session, [link])[link.id]
        return explain(title, policy, guarding.line_context(rt, session, link))
