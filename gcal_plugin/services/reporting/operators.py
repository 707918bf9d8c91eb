"""The operators' list: every link, those with something wrong first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ...store import queries_reporting as queries
from ..runtime import Runtime

ROWS_SHOWN = 500


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """One link as operators see it: opaque ids and states, no addresses, no people's numbers."""

    link_id: UUID
    tenant_id: str
    account_id: str
    pbx: str
    domain: str
    extension: str
    state: str
    paused: bool
    killed: bool
    forwards: int
    """Destinations on the exchange now."""
    synced_at: datetime | None
    sync_failures: int
    push_failures: int
    last_error: str
    last_at: datetime | None
    last_outcome: str
    late: float | None
    broken_reason: str
    wrong: bool


def operator_rows(rt: Runtime) -> list[OperatorRow]:
    """Every live link, at most `ROWS_SHOWN`, in two queries."""
    with rt.store.begin() as session:
        rows = queries.board(session, ROWS_SHOWN)
        last = queries.last_switches(session, [link.id for link, _, _, _ in rows])
        found = []
        for link, forwarding, calendar, _grant in rows:
            switch = last.get(link.id)
            push_failures = forwarding.failures if forwarding else 0
            sync_failures = calendar.failures if calendar else 0
            errors = [
                forwarding.last_error if forwarding and push_failures else None,
                calendar.last_error if calendar and sync_failures else None,
            ]
            found.append(
                OperatorRow(
                    link_id=link.id,
                    tenant_id=link.tenant_id,
                    account_id=link.account_id,
                    pbx=link.pbx,
                    domain=link.domain,
                    extension=link.extension,
                    state=link.state,
                    paused=link.paused_at is not None,
                    killed=link.killed_at is not None,
                    forwards=len(forwarding.observed or ()) if forwarding else 0,
                    synced_at=calendar.synced_at if calendar else None,
                    sync_failures=sync_failures,
                    push_failures=push_failures,
                    last_error=next((error for error in errors if error), ""),
                    last_at=switch.due_at if switch else None,
                    last_outcome=switch.outcome if switch else "",
                    late=switch.seconds_late if switch else None,
                    broken_reason=link.broken_reason or "",
                    wrong=bool(link.broken_at or push_failures or sync_failures),
                )
            )
    return found
