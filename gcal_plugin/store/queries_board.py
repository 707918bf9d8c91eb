"""The rows of the operators' board: what is wrong, one by one, up to a limit of each kind.

As with the figures (`queries_signals`), only operators read these, so nothing is narrowed to a
tenant but by their own choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .queries_signals import LIVE, failing, overdue, stale, stuck
from .tables import Calendar, Forwarding, Link, MailOut, Request

Narrow = Sequence[sa.ColumnElement[bool]]


def broken_links(session: Session, narrow: Narrow, limit: int) -> Sequence[Link]:
    """The links that cannot do their work, the longest broken first."""
    return session.scalars(
        sa.select(Link)
        .where(Link.broken_at.is_not(None), LIVE, *narrow)
        .order_by(Link.broken_at)
        .limit(limit)
    ).all()


def lost_holders(session: Session, narrow: Narrow, limit: int) -> Sequence[Link]:
    """The links whose account the portal closed or no longer has, the longest known first."""
    return session.scalars(
        sa.select(Link)
        .where(Link.holder_lost_at.is_not(None), LIVE, *narrow)
        .order_by(Link.holder_lost_at)
        .limit(limit)
    ).all()


def stale_rows(
    session: Session, now: datetime, narrow: Narrow, limit: int
) -> list[tuple[Link, Calendar]]:
    """The links whose calendar is stale, the oldest news first."""
    rows = session.execute(
        sa.select(Link, Calendar)
        .join(Calendar, Calendar.id == Link.calendar_id)
        .where(stale(now), *narrow)
        .order_by(Calendar.synced_at)
        .limit(limit)
    )
    return [(link, calendar) for link, calendar in rows]


def wrong_lines(
    session: Session, now: datetime, narrow: Narrow, limit: int
) -> list[tuple[Link, Forwarding]]:
    """The lines whose last push failed, that are set apart, contested or late: two look-ups, each
    by an index of its own."""
    found: list[tuple[Link, Forwarding]] = []
    failed = sa.or_(Forwarding.last_error.is_not(None), Forwarding.contested_at.is_not(None))
    late = sa.and_(overdue(now), Forwarding.contested_at.is_(None))
    for condition, order in ((failed, Forwarding.link_id), (late, Forwarding.due_at)):
        rows = session.execute(
            sa.select(Link, Forwarding)
            .join(Forwarding, Forwarding.link_id == Link.id)
            .where(condition, *narrow)
            .order_by(order)
            .limit(limit)
        )
        found += [(link, forwarding) for link, forwarding in rows]
    return found


def stuck_rows(session: Session, now: datetime, narrow: Narrow, limit: int) -> Sequence[Request]:
    """The forgotten requests, the oldest first."""
    return session.scalars(
        sa.select(Request).where(stuck(now), *narrow).order_by(Request.changed_at).limit(limit)
    ).all()


def failed_mails(session: Session, narrow: Narrow, limit: int) -> Sequence[MailOut]:
    """The letters that did not go out, the newest first."""
    return session.scalars(
        sa.select(MailOut).where(failing(), *narrow).order_by(MailOut.id.desc()).limit(limit)
    ).all()


def stuck_count(session: Session, now: datetime, narrow: Narrow) -> int:
    """How many requests are forgotten, shown or not."""
    return session.scalar(sa.select(sa.func.count()).where(stuck(now), *narrow)) or 0


def failed_mail_count(session: Session, narrow: Narrow) -> int:
    """How many letters did not go out, shown or not."""
    return session.scalar(sa.select(sa.func.count()).where(failing(), *narrow)) or 0
