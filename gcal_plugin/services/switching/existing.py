"""The forward that stands on a line before we touch it: read, and its owner's decision about it.

Ours is what we last asked for; everything else that the exchange holds is the customer's own.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from ...domain.destination import Destination
from ...ports import Applied, Line, TelephonyError
from ...store.queries_switching import ensure_rows
from ...store.tables import Forwarding
from ..runtime import Runtime
from .model import pairs, set_of


def read_existing(rt: Runtime, pbx: str, line: Line) -> Applied | None:
    """What a line forwards to now, ours or not; None where the exchange cannot tell, or is away."""
    exchange = rt.telephony[pbx]
    if not exchange.capabilities.read_back:
        return None
    try:
        return exchange.read(line)
    except TelephonyError:
        # Not knowing is an answer here: the first write reads again before it replaces anything.
        return None


def foreign_part(session: Session, link_id: UUID, held: Applied) -> frozenset[Destination]:
    """Which of what stands on the link's line is not ours."""
    row = session.get(Forwarding, link_id)
    return held.destinations - set_of(row.desired) if row is not None else held.destinations


def decide_existing(
    session: Session, link_id: UUID, held: Applied, at: datetime, *, keep: bool
) -> frozenset[Destination]:
    """Note what the person decided about a forward that is not ours, read at `at`; answers it.

    With `keep` it stands whenever none of ours is active. Without it, it counts as ours from here
    on: the next look at the line, for which the caller marks it due in this same transaction,
    replaces it by what the calendar asks for, or clears it.
    """
    ensure_rows(session, [link_id])
    row = session.get_one(Forwarding, link_id)
    session.refresh(row, with_for_update=True)
    foreign = held.destinations - set_of(row.desired)
    row.foreign_set = pairs(foreign) if foreign and keep else None
    row.observed = pairs(held.destinations)
    row.observed_revision, row.observed_at = held.revision, at
    row.revision = max(row.revision, held.revision)
    if foreign and not keep:
        # A plan that we handed over does not name it, and so does not end it: hand over a new one.
        row.desired, row.plan, row.plan_until = row.observed, None, None
    return foreign
