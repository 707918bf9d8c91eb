"""What the last step came to, told once on the next page (post, redirect, get)."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from flask import session

from ...services.linking import DisconnectReport
from ...services.reporting import PageState

_KEY = "gcal_outcome"


def put(state: PageState, link_id: UUID | None, **facts: Any) -> None:
    """Remember an outcome of this link for its next page in this session."""
    session[_KEY] = {"state": state.value, "link": str(link_id), **facts}


def put_disconnected(report: DisconnectReport, link_id: UUID) -> None:
    """Each outcome of a disconnect."""
    put(
        PageState.DISCONNECTED,
        link_id,
        extension=report.extension,
        email=report.email,
        forward=report.forward.value,
        access=report.access.value,
        data_deleted=report.data_deleted,
    )


def take(link_id: UUID | None) -> dict[str, Any] | None:
    """The outcome of this link that was not told yet, if any; another link's waits for its page."""
    found = session.get(_KEY)
    if not isinstance(found, dict) or found.get("link") != str(link_id):
        return None
    session.pop(_KEY)
    return cast("dict[str, Any]", found) if found.get("state") in set(PageState) else None
