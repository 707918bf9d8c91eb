"""Switches that somebody waits for: disconnect, pause, a trial. What fails is kept on trying."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from ...domain.destination import Destination
from ...store.queries_switching import ensure_rows, mark_due
from ...store.tables import Forwarding
from ..runtime import Runtime
from .batch import switch_batch


def apply_now(rt: Runtime, link_id: UUID, cause: str = "change") -> bool:
    """Bring one line to what should be true now; False where the exchange did not take it yet.

    Whatever a worker had armed for it is dropped. Where it fails, the clock keeps trying.
    """
    with rt.store.begin() as session:
        mark_due(session, [link_id], rt.store.now(session), cause=cause)
        row = session.get_one(Forwarding, link_id)
        session.refresh(row)
        pbx = row.pbx
    switch_batch(rt, pbx, [link_id])
    with rt.store.begin() as session:
        row = session.get_one(Forwarding, link_id)
        session.refresh(row)
        return row.settled == row.generation and row.last_error is None


def clear_link(rt: Runtime, link_id: UUID, cause: str = "disconnect") -> bool:
    """Clear what we set on a line whose link was let go; False while that is still to be done.

    The link's own row decides (ended, paused, killed, not linked), so call this after committing
    that. Waits for at most one answer of the exchange.
    """
    if not apply_now(rt, link_id, cause):
        return False
    with rt.store.begin() as session:
        return not session.get_one(Forwarding, link_id).desired


def trial(rt: Runtime, link_id: UUID, destination: Destination, seconds: float = 60) -> bool:
    """Forward a line to `destination` for a minute, to hear whether it works; ends by itself.

    The rules on destinations hold as ever. False where the exchange did not take it.
    """
    with rt.store.begin() as session:
        ensure_rows(session, [link_id])
        now = rt.store.now(session)
        row = session.get_one(Forwarding, link_id)
        session.refresh(row)
        row.trial_value = destination.value
        row.trial_until = now + timedelta(seconds=seconds)
    if not apply_now(rt, link_id, "trial"):
        return False
    with rt.store.begin() as session:
        return [destination.kind.value, destination.value] in session.get_one(
            Forwarding, link_id
        ).desired
