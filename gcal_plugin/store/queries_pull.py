"""One line, everything that decides who rings for it, in one statement: it runs at every call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .tables import Calendar, Forwarding, Grant, Link, TenantState, WindowRow
from .types import Instant


@dataclass(frozen=True, slots=True)
class LineNow:
    """A linked line at one instant, as stored."""

    link: Link
    state: TenantState | None
    grant_live: bool
    synced_at: datetime | None
    calendar_gone: bool
    desired: list[Any]
    trial: tuple[str, datetime] | None
    windows: Sequence[WindowRow]


_AT = sa.bindparam("at", type_=Instant())
_OPEN_NOW = sa.and_(
    WindowRow.calendar_id == Link.calendar_id,
    WindowRow.replaced_at.is_(None),
    WindowRow.value.is_not(None),
    WindowRow.end_at > _AT,
    WindowRow.start_at <= _AT,
)
# Made once: putting the statement together costs as much as running it.
_LINE = (
    sa.select(
        Link,
        TenantState,
        WindowRow,
        Grant.state,
        Calendar.synced_at,
        Calendar.gone_at,
        Forwarding.desired,
        Forwarding.trial_value,
        Forwarding.trial_until,
    )
    .outerjoin(Forwarding, Forwarding.link_id == Link.id)
    .outerjoin(Calendar, Calendar.id == Link.calendar_id)
    .outerjoin(Grant, Grant.id == Link.grant_id)
    .outerjoin(TenantState, TenantState.tenant_id == Link.tenant_id)
    .outerjoin(WindowRow, _OPEN_NOW)
    .where(
        Link.pbx == sa.bindparam("pbx"),
        Link.domain == sa.bindparam("domain"),
        Link.extension == sa.bindparam("extension"),
        Link.ended_at.is_(None),
    )
)


def line_now(
    session: Session, pbx: str, domain: str, extension: str, at: datetime
) -> LineNow | None:
    """The line's link with the windows that are open at `at`; None where nobody linked it."""
    values = {"pbx": pbx, "domain": domain, "extension": extension, "at": at}
    rows = session.execute(_LINE, values).all()
    if not rows:
        return None
    link, state, _, grant_state, synced_at, gone_at, desired, value, until = rows[0]
    return LineNow(
        link=link,
        state=state,
        grant_live=grant_state == "live",
        synced_at=synced_at,
        calendar_gone=gone_at is not None,
        desired=list(desired or []),
        trial=(value, until) if value is not None and until is not None else None,
        windows=[row[2] for row in rows if row[2] is not None],
    )
