"""One line, everything that decides who rings for it, in one statement: it runs at every call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .queries_guards import EVERY_TENANT
from .tables import BlockedNumber, Calendar, Forwarding, Grant, Link, TenantState, WindowRow
from .types import Instant


@dataclass(frozen=True, slots=True)
class LineNow:
    """A linked line at one instant, as stored."""

    at: datetime
    link: Link
    state: TenantState | None
    grant_live: bool
    synced_at: datetime | None
    calendar_gone: bool
    desired: list[Any]
    changes: tuple[str | None, int]
    """The last day on which destinations were changed, and how often on that day."""
    trial: tuple[str, datetime] | None
    windows: Sequence[WindowRow]
    blocked: frozenset[str]
    """Those of the numbers in this row (E.164) whose owners want no forwards from here."""


def _blocked(
    value: sa.ColumnElement[Any] | sa.orm.InstrumentedAttribute[Any],
) -> sa.ColumnElement[bool]:
    everywhere_or_here = sa.or_(
        BlockedNumber.tenant_id == EVERY_TENANT, BlockedNumber.tenant_id == Link.tenant_id
    )
    return sa.exists().where(BlockedNumber.value == value, everywhere_or_here)


def _statement(at: sa.ColumnElement[Any]) -> sa.Select[Any]:
    open_now = sa.and_(
        WindowRow.calendar_id == Link.calendar_id,
        WindowRow.replaced_at.is_(None),
        WindowRow.value.is_not(None),
        WindowRow.end_at > at,
        WindowRow.start_at <= at,
    )
    return (
        sa.select(
            Link,
            TenantState,
            WindowRow,
            at.label("at"),
            Grant.state,
            Calendar.synced_at,
            Calendar.gone_at,
            Forwarding.desired,
            Forwarding.changes_day,
            Forwarding.changes_count,
            Forwarding.trial_value,
            Forwarding.trial_until,
            _blocked(WindowRow.value).label("window_blocked"),
            _blocked(Link.fallback_number),
            _blocked(Forwarding.trial_value),
        )
        .outerjoin(Forwarding, Forwarding.link_id == Link.id)
        .outerjoin(Calendar, Calendar.id == Link.calendar_id)
        .outerjoin(Grant, Grant.id == Link.grant_id)
        .outerjoin(TenantState, TenantState.tenant_id == Link.tenant_id)
        .outerjoin(WindowRow, open_now)
        .where(
            Link.pbx == sa.bindparam("pbx"),
            Link.domain == sa.bindparam("domain"),
            Link.extension == sa.bindparam("extension"),
            Link.ended_at.is_(None),
        )
    )


# Made once: putting the statement together costs as much as running it.
_AT_GIVEN = _statement(sa.bindparam("at", type_=Instant()))
# Stable within the statement, so that the index of windows still serves; `clock_timestamp` is not.
_AT_ARRIVAL = _statement(sa.func.statement_timestamp(type_=Instant()))


def line_now(
    session: Session, pbx: str, domain: str, extension: str, at: datetime | None
) -> LineNow | None:
    """The line's link with the windows that are open at `at`; None where nobody linked it.

    Without an instant, the one at which the statement reached Postgres.
    """
    values: dict[str, Any] = {"pbx": pbx, "domain": domain, "extension": extension}
    if at is None:
        rows = session.execute(_AT_ARRIVAL, values).all()
    else:
        rows = session.execute(_AT_GIVEN, {**values, "at": at}).all()
    if not rows:
        return None
    link, state, _, now, grant_state, synced_at, gone_at, desired, day, count, *rest = rows[0]
    value, until, _, fallback_blocked, trial_blocked = rest
    blocked = {row[2].value for row in rows if row.window_blocked}
    blocked |= {link.fallback_number} if fallback_blocked else set()
    blocked |= {value} if trial_blocked else set()
    return LineNow(
        at=at or now,
        link=link,
        state=state,
        grant_live=grant_state == "live",
        synced_at=synced_at,
        calendar_gone=gone_at is not None,
        desired=list(desired or []),
        changes=(day, count or 0),
        trial=(value, until) if value is not None and until is not None else None,
        windows=[row[2] for row in rows if row[2] is not None],
        blocked=frozenset(blocked),
    )
