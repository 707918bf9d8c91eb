"""What the last step came to, told once on the next page (post, redirect, get)."""

from __future__ import annotations

from typing import Any, cast

from flask import session

from ...services.linking import DisconnectReport
from ...services.reporting import PageState

_KEY = "gcal_outcome"


def put(state: PageState, **facts: Any) -> None:
    """Remember an outcome for the next page of this session."""
    session[_KEY] = {"state": state.value, **facts}


def put_disconnected(report: DisconnectReport) -> None:
    """Each outcome of a disconnect."""
    put(
        PageState.DISCONNECTED,
        extension=report.extension,
        email=report.email,
        forward=report.forward.value,
        access=report.access.value,
        data_deleted=report.data_deleted,
    )


def take() -> dict[str, Any] | None:
    """The outcome that was not told yet, if any."""
    found = session.pop(_KEY, None)
    if not isinstance(found, dict) or found.get("state") not in set(PageState):
        return None
    return cast("dict[str, Any]", found)
