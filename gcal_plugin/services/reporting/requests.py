"""The request as a timeline: what is done, what is now, who is to act."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.request_state import OPEN, RequestState
from ...store import scope
from ...store.scope import Viewer
from ...store.tables import Request, RequestStep
from .models import PageState, RequestView, StepView

_LINE = ("requested", "quoted", "agreed", "provisioning", "ready", "linked")
_OWNER = {
    "requested": "you",
    "quoted": "us",
    "agreed": "you",
    "provisioning": "us",
    "ready": "us",
    "linked": "you",
}
_ASIDE = frozenset({"note", "take_over", "owner_changed", "end_planned", "end_withdrawn", "unlink"})
"""What is written into the history without bringing the request further."""

PAGE_STATES = {
    RequestState.REQUESTED: PageState.REQUESTED,
    RequestState.QUOTED: PageState.QUOTED,
    RequestState.AGREED: PageState.AGREED,
    RequestState.PROVISIONING: PageState.PROVISIONING,
}


def open_request(session: Session, viewer: Viewer) -> RequestView | None:
    """The newest request that is not over, with its steps."""
    row = session.scalars(
        scope.requests(viewer).where(Request.state.in_([state.value for state in OPEN])).limit(1)
    ).first()
    return None if row is None else request_view(session, row)


def request_view(session: Session, row: Request) -> RequestView:
    """One request for its customer."""
    steps = session.scalars(
        sa.select(RequestStep).where(RequestStep.request_id == row.id).order_by(RequestStep.id)
    ).all()
    return RequestView(
        id=row.id,
        state=row.state,
        extension=row.extension,
        created_at=row.created_at,
        steps=timeline(row.state, steps),
        once_price=row.once_price,
        monthly_price=row.monthly_price,
        vat_percent=row.vat_percent,
        valid_until=row.valid_until,
        note=row.note,
    )


class Dated(Protocol):
    """A step of the history: when, what was done, and the state after it."""

    @property
    def at(self) -> datetime: ...
    @property
    def action(self) -> str: ...
    @property
    def state(self) -> str: ...


def timeline(state: str, steps: Sequence[Dated]) -> tuple[StepView, ...]:
    """The line from request to link; a step that was skipped counts as done."""
    when = {step.state: step.at for step in steps if step.action not in _ASIDE}
    place = _LINE.index(state) if state in _LINE else 0
    # What was reached is done; the next one is what everybody waits for.
    waiting = min(place + 1, len(_LINE) - 1)
    return tuple(
        StepView(
            code=code,
            state="done" if index <= place else "now" if index == waiting else "later",
            at=when.get(code) if index <= place else None,
            owner=_OWNER[code],
        )
        for index, code in enumerate(_LINE)
    )
