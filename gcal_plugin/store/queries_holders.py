"""Queries about the accounts that live links are of: whom to ask for, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .bulk import among
from .queries_signals import LIVE
from .tables import Link


def to_ask(session: Session, before: datetime, limit: int) -> list[tuple[UUID, str]]:
    """[(live link, its account), ...]: those never asked for, then the longest ago until `before`.

    Two look-ups, each by the index: the databases do not agree on where nothing sorts.
    """
    found: list[tuple[UUID, str]] = []
    asked = Link.holder_asked_at
    for condition in (asked.is_(None), asked <= before):
        rows = session.execute(
            sa.select(Link.id, Link.account_id)
            .where(LIVE, condition)
            .order_by(asked)
            .limit(limit - len(found))
        )
        found += [(link_id, account_id) for link_id, account_id in rows]
    return found


def asked(session: Session, link_ids: Sequence[UUID], now: datetime) -> None:
    """Note that the portal was asked for the accounts of these links, whatever it said."""
    session.execute(_update(session, link_ids).values(holder_asked_at=now))


def answered(
    session: Session, link_ids: Sequence[UUID], faults: Mapping[str, str], now: datetime
) -> None:
    """Note what the portal said of the accounts of these links; `faults` by account, where any."""
    account = Link.__table__.c.account_id
    session.execute(
        _update(session, link_ids)
        .where(~among(session, account, list(faults)), Link.holder_fault.is_not(None))
        .values(holder_fault=None, holder_lost_at=None)
    )
    for fault in sorted(set(faults.values())):
        theirs = [account_id for account_id, code in faults.items() if code == fault]
        session.execute(
            _update(session, link_ids)
            .where(among(session, account, theirs))
            .values(holder_fault=fault, holder_lost_at=sa.func.coalesce(Link.holder_lost_at, now))
        )


def lost(session: Session) -> list[tuple[str, str, int]]:
    """[(tenant, exchange, live links whose account is closed or gone), ...]."""
    rows = session.execute(
        sa.select(Link.tenant_id, Link.pbx, sa.func.count())
        .where(Link.holder_lost_at.is_not(None), LIVE)
        .group_by(Link.tenant_id, Link.pbx)
    )
    return [(tenant, pbx, count) for tenant, pbx, count in rows]


def _update(session: Session, link_ids: Sequence[UUID]) -> sa.Update:
    """Of these rows, less those that somebody has locked: who does not wait keeps nobody waiting
    for ever. They are asked for again in the next round."""
    locked = (
        sa.select(Link.id)
        .where(among(session, Link.__table__.c.id, link_ids))
        .order_by(Link.id)
        .with_for_update(key_share=True, skip_locked=True)
        .scalar_subquery()
    )
    return sa.update(Link).where(Link.id.in_(locked)).execution_options(synchronize_session=False)
