"""Figures over everything, for the operators' board and the monitoring: a fixed number of queries.

Only operators and machines read these, so nothing here is narrowed to a tenant; what they answer
are counts, ages and opaque ids, never a number or an address of a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .tables import Calendar, Forwarding, Grant, Link, MailOut, Request

OVERDUE = timedelta(seconds=60)
"""A line that wanted attention so long ago, and that nobody holds, is late."""
HELD_BACK = timedelta(seconds=61)
"""A line whose exchange is left alone is put off for no longer at a time, and waits all along."""
STALE = timedelta(minutes=15)
STUCK = timedelta(days=2)
"""A request that waits for us so long has been forgotten."""
WAITS_FOR_US = ("requested", "agreed", "provisioning")

AGES = (60, 300, 900, 3600, 10_800, 43_200, 86_400, 259_200)
"""Upper bounds in seconds for the ages of fetched calendars; a last one holds all above."""

MOST_CODES = 20
"""How many kinds of failure are told apart: the codes are Google's, so nobody knows how many."""

LIVE = Link.ended_at.is_(None)


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def overdue(now: datetime) -> sa.ColumnElement[bool]:
    """Lines that should have been seen to by now: those that nobody looked at, and those that are
    held back because their exchange does not answer (these fall due anew all the time)."""
    return sa.and_(
        Forwarding.due_at < now + HELD_BACK,
        sa.or_(Forwarding.due_at < now - OVERDUE, Forwarding.asked_at < now - OVERDUE),
        Forwarding.last_error.is_(None),
        _free(now),
    )


def _free(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(Forwarding.lease_until.is_(None), Forwarding.lease_until < now)


def stale(now: datetime) -> sa.ColumnElement[bool]:
    """Calendars whose last good fetch is too long ago: it failed since, or is overdue."""
    read = sa.func.coalesce(Calendar.synced_at, Link.linked_at)
    return sa.and_(
        LIVE,
        Link.broken_at.is_(None),
        Calendar.gone_at.is_(None),
        Calendar.next_sync_at.is_not(None),
        sa.or_(read.is_(None), read < now - STALE),
        sa.or_(Calendar.failures > 0, Calendar.next_sync_at < now - STALE),
    )


def forwards_now() -> sa.ColumnElement[bool]:
    """Lines on which the exchange holds at least one destination."""
    held = sa.cast(Forwarding.observed, sa.Text)
    return sa.and_(Forwarding.observed.is_not(None), held.not_in(("[]", "null")))


@dataclass(frozen=True, slots=True)
class LineCounts:
    """The lines of one tenant on one exchange."""

    tenant_id: str
    pbx: str
    lines: int
    forwarding: int
    refused: int
    """Whose last push failed, in whatever way."""
    unverified: int
    """Those of them that got no answer, so that it may have landed."""
    quarantined: int
    contested: int
    overdue: int


def lines(session: Session, now: datetime) -> list[LineCounts]:
    """Counts of lines, by tenant and exchange."""
    failed = sa.and_(Forwarding.last_error.is_not(None), Forwarding.quarantined_at.is_(None))
    rows = session.execute(
        sa.select(
            Forwarding.tenant_id,
            Forwarding.pbx,
            sa.func.count(),
            _count(forwards_now()),
            _count(failed),
            _count(sa.and_(failed, Forwarding.settled < Forwarding.generation)),
            _count(Forwarding.quarantined_at.is_not(None)),
            _count(Forwarding.contested_at.is_not(None)),
            _count(overdue(now)),
        )
        .group_by(Forwarding.tenant_id, Forwarding.pbx)
        .order_by(Forwarding.tenant_id, Forwarding.pbx)
    )
    return [LineCounts(*row) for row in rows]


def links_by_state(session: Session) -> list[tuple[str, str, int]]:
    """[(tenant, state, live links), ...]."""
    rows = session.execute(
        sa.select(Link.tenant_id, Link.state, sa.func.count())
        .where(LIVE)
        .group_by(Link.tenant_id, Link.state)
    )
    return [(tenant, state, count) for tenant, state, count in rows]


def broken(session: Session) -> list[tuple[str, str, str, int]]:
    """[(tenant, exchange, reason, live links that cannot do their work), ...]."""
    rows = session.execute(
        sa.select(
            Link.tenant_id,
            Link.pbx,
            sa.func.coalesce(Link.broken_reason, "unknown"),
            sa.func.count(),
        )
        .where(Link.broken_at.is_not(None), LIVE)
        .group_by(Link.tenant_id, Link.pbx, Link.broken_reason)
    )
    return [(tenant, pbx, reason, count) for tenant, pbx, reason, count in rows]


def stale_links(session: Session, now: datetime) -> list[tuple[str, str, int]]:
    """[(tenant, exchange, links whose calendar is stale), ...]."""
    rows = session.execute(
        sa.select(Link.tenant_id, Link.pbx, sa.func.count())
        .join(Calendar, Calendar.id == Link.calendar_id)
        .where(stale(now))
        .group_by(Link.tenant_id, Link.pbx)
    )
    return [(tenant, pbx, count) for tenant, pbx, count in rows]


def failing_calendars(session: Session) -> list[tuple[str, int]]:
    """[(code of the last failure, calendars that fail with it), ...], the most frequent first."""
    count = sa.func.count()
    rows = session.execute(
        sa.select(Calendar.last_error, count)
        .where(
            Calendar.failures > 0,
            Calendar.last_error.is_not(None),
            Calendar.next_sync_at.is_not(None),
        )
        .group_by(Calendar.last_error)
        .order_by(count.desc(), Calendar.last_error)
        .limit(MOST_CODES)
    )
    return [(code, found) for code, found in rows if code is not None]


def sync_ages(session: Session, now: datetime) -> tuple[list[int], int]:
    """How many followed calendars were fetched how long ago (`AGES`), and how many never were."""
    columns: list[sa.ColumnElement[Any]] = []
    newer = now
    for bound in AGES:
        older = now - timedelta(seconds=bound)
        late = Calendar.synced_at >= older
        columns.append(
            _count(late if bound == AGES[0] else sa.and_(late, Calendar.synced_at < newer))
        )
        newer = older
    columns += [_count(Calendar.synced_at < newer), _count(Calendar.synced_at.is_(None))]
    counts = session.execute(
        sa.select(*columns).where(Calendar.next_sync_at.is_not(None), Calendar.gone_at.is_(None))
    ).one()
    return [int(one) for one in counts[:-1]], int(counts[-1])


def push_states(session: Session) -> dict[str, int]:
    """Followed calendars by how Google tells us of changes (`Calendar.push_state`)."""
    rows = session.execute(
        sa.select(Calendar.push_state, sa.func.count())
        .where(Calendar.next_sync_at.is_not(None))
        .group_by(Calendar.push_state)
    )
    return {state: count for state, count in rows}  # noqa: C416 (rows are no pairs to mypy)


def grants_by_state(session: Session) -> dict[str, int]:
    """Grants by state."""
    rows = session.execute(sa.select(Grant.state, sa.func.count()).group_by(Grant.state))
    return {state: count for state, count in rows}  # noqa: C416


def requests_by_state(session: Session) -> dict[str, int]:
    """Open requests by state."""
    rows = session.execute(
        sa.select(Request.state, sa.func.count())
        .where(Request.closed_at.is_(None))
        .group_by(Request.state)
    )
    return {state: count for state, count in rows}  # noqa: C416


def stuck_requests(session: Session, now: datetime) -> int:
    """Requests that have waited for us for days."""
    return session.scalar(sa.select(sa.func.count()).where(stuck(now))) or 0


def stuck(now: datetime) -> sa.ColumnElement[bool]:
    """Requests that have waited for us for days."""
    return sa.and_(
        Request.closed_at.is_(None),
        Request.state.in_(WAITS_FOR_US),
        Request.changed_at < now - STUCK,
    )


def failing() -> sa.ColumnElement[bool]:
    """Letters that were refused, or are being tried again."""
    return sa.or_(MailOut.state == "failed", sa.and_(MailOut.state == "waiting", MailOut.tries > 0))


def mails_by_state(session: Session) -> dict[str, int]:
    """Letters that are not out: `failed`, `retrying` after a refusal, `waiting` or on their way."""
    rows = session.execute(
        sa.select(
            MailOut.state,
            sa.func.count(),
            _count(sa.and_(MailOut.state == "waiting", MailOut.tries > 0)),
        )
        .where(MailOut.state.in_(("waiting", "sending", "failed")))
        .group_by(MailOut.state)
    )
    found = {"failed": 0, "retrying": 0, "waiting": 0}
    for state, count, tried in rows:
        if state == "failed":
            found["failed"] += count
        else:
            found["retrying"] += tried
            found["waiting"] += count - tried
    return found


def oldest_due(session: Session, now: datetime) -> datetime | None:
    """Since when the longest waiting line has wanted attention; None where none does.

    One that failed counts from its next try: it is told as refused.
    """
    asked = sa.and_(Forwarding.last_error.is_(None), Forwarding.asked_at < Forwarding.due_at)
    since: sa.ColumnElement[datetime | None] = sa.case(
        (asked, Forwarding.asked_at), else_=Forwarding.due_at
    )
    return session.scalar(
        sa.select(sa.func.min(since)).where(
            Forwarding.due_at < now + HELD_BACK, since <= now, _free(now)
        )
    )
