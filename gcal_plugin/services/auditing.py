"""The audit log read back: who did what, for the tenant that it is about."""

from __future__ import annotations

from typing import Any

from ..store import scope
from ..store.scope import Viewer
from ..store.tables import Audit
from .runtime import Runtime


def export_audit(rt: Runtime, viewer: Viewer, tenant_id: str | None = None) -> list[dict[str, Any]]:
    """The audit log as plain values, the oldest first; `tenant_id` narrows an operator's view."""
    with rt.store.begin() as session:
        query = scope.audit(viewer)
        if tenant_id is not None:
            query = query.where(Audit.tenant_id == tenant_id)
        rows = session.scalars(query.execution_options(yield_per=1000))
        return [
            {
                "id": row.id,
                "at": row.at.isoformat(),
                "tenant": row.tenant_id,
                "actor": row.actor,
                "action": row.action,
                "subject": row.subject,
                "request": row.request_id,
                "detail": row.detail,
            }
            for row in rows
        ]
