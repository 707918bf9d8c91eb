"""What falls due, as the clock looks for it near an edge several times a second: a statement each.

Postgres compares with its own time, so that no round trip goes before to ask for it; where the time
is told (SQLite, a simulated clock), it is a value like others. The statements are made once: to put
one together costs as much as to run it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .queries_switching import Due
from .tables import Calendar, Forwarding
from .types import Instant

_Moment = sa.ColumnElement[Any]
_HERE: _Moment = sa.literal_column("statement_timestamp()", sa.DateTime(timezone=True))
_SOON, _FROM, _UNTIL = (
    sa.bindparam(name, type_=sa.Interval()) for name in ("soon", "from_", "until")
)
_AT, _SOON_AT, _FROM_AT, _UNTIL_AT = (
    sa.bindparam(name, type_=Instant()) for name in ("now", "soon", "from_", "until")
)


@dataclass(frozen=True, slots=True)
class Herd:
    """Lines that fall due together at a coming instant."""

    lines: int
    left: timedelta
    """How long from the look until then."""


def _due(now: _Moment, until: _Moment) -> sa.Executable:
    return (
        sa.select(
            Forwarding.link_id,
            Forwarding.tenant_id,
            Forwarding.pbx,
            Forwarding.due_at,
            Forwarding.generation,
            sa.type_coerce(now, Instant()).label("now"),
        )
        .where(
            Forwarding.due_at <= until,
            sa.or_(Forwarding.lease_until.is_(None), Forwarding.lease_until <= now),
        )
        .order_by(Forwarding.due_at)
        .limit(sa.bindparam("limit", type_=sa.Integer()))
    )


def _herds(now: _Moment, after: _Moment, until: _Moment) -> sa.Select[Any, Any, Any]:
    count = sa.func.count()
    return (
        sa.select(Forwarding.due_at, count, sa.type_coerce(now, Instant()).label("now"))
        .where(Forwarding.due_at > after, Forwarding.due_at <= until)
        .group_by(Forwarding.due_at)
        .having(count >= sa.bindparam("size", type_=sa.Integer()))
    )


def _near(soon: _Moment, until: _Moment, herds: sa.SelectBase) -> sa.Executable:
    # Also what somebody holds: it can fail, or they can, and then it is due at once.
    lines = sa.exists().where(Forwarding.due_at <= until)
    calendars = sa.exists().where(Calendar.next_sync_at <= soon)
    return sa.select(sa.or_(lines, calendars, herds.exists()))


_DUE, _DUE_AT = _due(_HERE, _HERE + _UNTIL), _due(_AT, _UNTIL_AT)
_HERDS = _herds(_HERE, _HERE + _FROM, _HERE + _UNTIL)
_HERDS_AT = _herds(_AT, _FROM_AT, _UNTIL_AT)
_NEAR = _near(_HERE + _SOON, _HERE + _FROM, _HERDS)
_NEAR_AT = _near(_SOON_AT, _FROM_AT, _HERDS_AT)


def due(
    session: Session, now: datetime | None, within: timedelta, limit: int
) -> tuple[list[Due], datetime | None]:
    """The lines due until `within` from now that nobody holds, the longest overdue first.

    Without a `now`, Postgres' own; answers it beside the lines, None where there are none.
    """
    told = {"limit": limit, "until": within}
    if now is None:
        rows = session.execute(_DUE, told).all()
    else:
        rows = session.execute(_DUE_AT, told | {"now": now, "until": now + within}).all()
    return [Due(*row[:-1]) for row in rows], rows[0].now if rows else now


def anything_near(
    session: Session,
    now: datetime | None,
    soon: timedelta,
    within: timedelta,
    far: timedelta,
    size: int,
) -> bool:
    """Whether a calendar falls due until `soon` from now, a line until `within`, or at least `size`
    lines together until `far`: all that a clock at rest wants to know, in one statement.
    """
    told: dict[str, object] = {"size": size, "soon": soon, "from_": within, "until": far}
    if now is None:
        return bool(session.scalar(_NEAR, told))
    at = {"now": now, "soon": now + soon, "from_": now + within, "until": now + far}
    return bool(session.scalar(_NEAR_AT, told | at))


def herds(
    session: Session, now: datetime | None, after: timedelta, within: timedelta, size: int
) -> list[Herd]:
    """The instants from `after` to `within` from now at which at least `size` lines fall due."""
    told: dict[str, object] = {"size": size, "from_": after, "until": within}
    if now is None:
        rows = session.execute(_HERDS, told)
    else:
        at = {"now": now, "from_": now + after, "until": now + within}
        rows = session.execute(_HERDS_AT, told | at)
    return [Herd(lines, due_at - moment) for due_at, lines, moment in rows]
