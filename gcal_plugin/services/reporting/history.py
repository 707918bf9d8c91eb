"""What happened: a link's activity and its switches, in one list."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...store.queries_sweep import RESTORED
from ...store.tables import Activity, LedgerEntry
from .models import ActivityView
from .names import Names

_QUIET = frozenset({"nothing", "stale"})
"""Outcomes of a switch that changed nothing and tell a customer nothing."""
_FROM_ACTIVITY = frozenset({"forward_set", "forward_cleared"})
"""Told by the ledger already, with more detail."""


def merge(
    activity: Sequence[Activity],
    ledger: Sequence[LedgerEntry],
    names: Names,
    account_id: str,
    limit: int,
    *,
    address: Callable[[str], str] | None = None,
) -> tuple[ActivityView, ...]:
    """The newest first; `address` answers where an appointment is, by its id."""
    lines = [_activity(row, account_id) for row in activity if row.what not in _FROM_ACTIVITY]
    lines += [_switch(row, names, address) for row in ledger if row.outcome not in _QUIET]
    lines.sort(key=lambda line: line.at, reverse=True)
    return tuple(lines[:limit])


def _activity(row: Activity, account_id: str) -> ActivityView:
    kind, _, who = row.actor.partition(":")
    actor = "you" if kind.startswith("customer") and who == account_id else kind
    return ActivityView(
        at=row.at,
        what=row.what,
        actor=actor or "system",
        detail=str(row.detail.get("reason", "")) if row.detail else "",
    )


def _switch(row: LedgerEntry, names: Names, address: Callable[[str], str] | None) -> ActivityView:
    done = row.outcome == "done"
    what = ("forward_set" if row.destinations else "forward_cleared") if done else "push_failed"
    if done and (row.detail or "").startswith(RESTORED):
        what = "forward_restored"
    return ActivityView(
        at=row.answered_at or row.sent_at or row.due_at,
        what=what,
        actor="system",
        destinations=names.views(row.destinations),
        event_at=row.due_at,
        late=row.seconds_late,
        outcome=row.outcome,
        detail=row.detail or "",
        url=address(str(row.event_ids[0])) if address and row.event_ids else "",
    )
