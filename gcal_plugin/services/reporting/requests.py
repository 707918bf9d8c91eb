"""The request as a timeline: what is done, what is now, who is to act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.request_state import OPEN, RequestState
from ...ports import Account
from ...store import scope
from ...store.scope import Viewer
from ...store.tables import Request, RequestStep
from ..access import as_customer
from ..runtime import Runtime
from .models import PageState, RequestView, StepView

MOST_SHOWN = 20
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
    """The request that is not over, with its steps; of several a quote goes first, then the newest.

    A quote waits for the customer, and not for ever.
    """
    row = session.scalars(_quotes_first(viewer, OPEN).limit(1)).first()
    return None if row is None else request_view(session, row)


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request on its way, as the other pages name it."""

    id: UUID
    extension: str
    state: RequestState

    @property
    def quoted(self) -> bool:
        """Whether it waits for the customer's answer."""
        return self.state is RequestState.QUOTED


def open_requests(rt: Runtime, account: Account) -> tuple[OpenRequest, ...]:
    """What the account has asked for and does not have yet, the quotes first."""
    with rt.store.begin() as session:
        found = _quotes_first(as_customer(account), frozenset(PAGE_STATES)).limit(MOST_SHOWN)
        return tuple(
            OpenRequest(row.id, row.extension, RequestState(row.state))
            for row in session.scalars(found)
        )


def _quotes_first(viewer: Viewer, states: frozenset[RequestState]) -> sa.Select[Request]:
    return (
        scope.requests(viewer)
        .where(Request.state.in_([state.value for state in states]))
        .order_by(None)
        .order_by(
            sa.case((Request.state == RequestState.QUOTED.value, 0), else_=1),
            Request.created_at.desc(),
        )
    )


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
    """The line from request to link; a step that was skipped counts as done.

    What was reached is done and the next is waited for; setting up is under way when reached.
    """
    when = {step.state: step.at for step in steps if step.action not in _ASIDE}
    place = _LINE.index(state) if state in _LINE else 0
    waiting = place if state == "provisioning" else place + 1
    return tuple(
        StepView(
            code=code,
            state="done" if index < waiting else "now" if index == waiting else "later",
            at=when.get(code) if index <= place else None,
            owner=_OWNER[code],
        )
        for index, code in enumerate(_LINE)
    )
