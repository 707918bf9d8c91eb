"""The desk's switch for a whole tenant: forwarding off for everybody, why, and on again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..ports import Account
from ..store import queries_guards, scope
from ..store.scope import NotInReach, Viewer
from ..store.tables import Audit, TenantState
from .access import actor, as_support
from .guarding import HeldByOperators, kill_tenant
from .runtime import Runtime

__all__ = ["HeldByOperators", "TenantSwitch", "Why", "stop", "switch_of"]


class Why(StrEnum):
    """Why forwarding is switched off for everybody: a code, since the log holds no free text."""

    FRAUD = "fraud"
    COSTS = "costs"
    FAULT = "fault"
    ASKED = "asked"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TenantSwitch:
    """How the switch stands: off since when, by whom and why, and what is still forwarded."""

    lines: int
    """Extensions with a connection."""
    forwarding: int
    """Those of them on which the exchange, as far as we know, holds a forward now."""
    off_since: datetime | None = None
    by_operators: bool = False
    why: Why | None = None


def switch_of(rt: Runtime, account: Account) -> TenantSwitch:
    """How the switch of the desk's tenant stands; NotInReach for whoever is not its support."""
    viewer = _desk(account)
    with rt.store.begin() as session:
        state = session.get(TenantState, viewer.tenant_id)
        lines, forwarding = queries_guards.lines_of_tenant(session, viewer.tenant_id)
        if state is None or state.killed_at is None:
            return TenantSwitch(lines, forwarding)
        last = session.scalars(
            scope.audit(viewer)
            .where(Audit.action == "kill", Audit.subject == f"tenant:{viewer.tenant_id}")
            .order_by(None)
            .order_by(Audit.id.desc())
            .limit(1)
        ).one_or_none()
        code = str((last.detail or {}).get("reason", "")) if last is not None else ""
        return TenantSwitch(
            lines,
            forwarding,
            off_since=state.killed_at,
            by_operators=(state.killed_by or "").startswith("operator:"),
            why=Why(code) if code in set(Why) else None,
        )


def stop(rt: Runtime, account: Account, why: Why | None) -> int:
    """Switch forwarding off for the whole tenant, or on again (`why` is None); answers the lines.

    NotInReach for whoever is not its support, HeldByOperators where operators switched it off.
    """
    viewer = _desk(account)
    return kill_tenant(
        rt,
        viewer.tenant_id,
        actor=actor(account),
        on=why is not None,
        reason=why.value if why is not None else "",
    )


def _desk(account: Account) -> Viewer:
    viewer = as_support(account)
    if viewer is None:
        raise NotInReach("desk")
    return viewer
