"""What support sees and does beside the steps: queue, one request, notes, taking over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.money import Price
from ...domain.request_state import RequestAction, RequestState, Role, actions
from ...ports import Account
from ...store import scope
from ...store.scope import Viewer
from ...store.tables import Request, RequestStep
from ..access import actor, as_customer, as_support
from ..runtime import Runtime
from .errors import WrongFields
from .fields import Fields
from .mailing import to_customer
from .records import changing, desk_of, remember

WAITING_FOR_US = (RequestState.REQUESTED, RequestState.AGREED, RequestState.PROVISIONING)
STUCK_AFTER = timedelta(days=3)
"""A request that waits for support longer than this is shown as stuck."""
PAGE = 50


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline."""

    at: datetime
    actor: str
    action: str
    state: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as its pages show it; plain values, no database row."""

    id: UUID
    version: int
    state: RequestState
    tenant_id: str
    account_id: str
    account_email: str
    customer_code: str
    customer_name: str
    domain: str
    extension: str
    remarks: str
    note: str
    handler: str | None
    quote: int
    once: Price | None
    monthly: Price | None
    summary: str
    rate_text: str
    valid_until: datetime | None
    terms_version: str | None
    agreed_at: datetime | None
    link_id: UUID | None
    ends_at: datetime | None
    created_at: datetime
    changed_at: datetime
    age: timedelta
    expired: bool
    """A quote whose last day has passed, also before the clock has closed it."""
    stuck: bool
    actions: frozenset[RequestAction]
    """What the one who looks can do now."""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """What the queue shows: `waiting` for support, `open`, `all`, or one state; and a search."""

    state: str = "waiting"
    text: str = ""
    mine: bool = False
    page: int = 1


@dataclass(frozen=True, slots=True)
class Queue:
    """A page of the queue, the longest waiting first."""

    rows: tuple[RequestView, ...]
    total: int
    pages: int
    counts: dict[str, int]
    """How many requests there are by state, the search left aside."""


def queue(rt: Runtime, account: Account, chosen: Filter) -> Queue:
    """The tenant's requests; NotInReach for whoever is not support."""
    viewer = desk_of(account)
    with rt.store.begin() as session:
        now = rt.store.now(session)
        terms = _terms(chosen, account)
        found = scope.requests(viewer).where(*terms)
        total = session.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0
        pages = max(1, -(-total // PAGE))
        page = min(max(chosen.page, 1), pages)
        rows = session.scalars(
            found.order_by(None)
            .order_by(Request.changed_at, Request.id)
            .limit(PAGE)
            .offset((page - 1) * PAGE)
        )
        grouped = scope.requests(viewer).order_by(None).subquery()
        counts = session.execute(
            sa.select(grouped.c.state, sa.func.count()).group_by(grouped.c.state)
        )
        return Queue(
            tuple(_view(row, now, Role.SUPPORT) for row in rows),
            total,
            pages,
            {row[0]: row[1] for row in counts},
        )


def request_view(
    rt: Runtime, account: Account, request_id: UUID | str, *, desk: bool = False
) -> RequestView:
    """One request with its timeline, as the customer or (`desk`) as support sees it."""
    viewer = desk_of(account) if desk else as_customer(account)
    with rt.store.begin() as session:
        now = rt.store.now(session)
        row = scope.request(session, viewer, request_id)
        return _view(row, now, Role.SUPPORT if desk else Role.CUSTOMER, _steps(session, row.id))


def requests_of(rt: Runtime, account: Account) -> list[RequestView]:
    """The requests that a customer sees, the newest first, those of long ago left out."""
    with rt.store.begin() as session:
        now = rt.store.now(session)
        rows = session.scalars(scope.requests(as_customer(account)).limit(100))
        return [_view(row, now, Role.CUSTOMER) for row in rows]


def take_over(rt: Runtime, account: Account, request_id: UUID | str, version: int | None) -> None:
    """Handle a request from now on, also one that a colleague has."""
    with changing(rt, desk_of(account), request_id, version) as change:
        before, change.row.handler = change.row.handler, account.id
        remember(change, "take_over", actor(account), before=before)


def write_note(
    rt: Runtime, account: Account, request_id: UUID | str, version: int | None, note: str
) -> None:
    """Tell the customer something about the request: on its page and by mail."""
    fields = Fields()
    text = fields.lines("note", note, required=True)
    if fields.faults:
        raise WrongFields(fields.faults)
    with changing(rt, desk_of(account), request_id, version) as change:
        change.row.note = text
        step = remember(change, "note", actor(account), note=text)
        to_customer(rt, change, "note", step.id, note=text)
    rt.wake.mail()


def waiting_count(rt: Runtime, account: Account) -> int:
    """How many requests wait for the desk; 0 for whoever is not support."""
    viewer = as_support(account)
    if viewer is None:
        return 0
    with rt.store.begin() as session:
        found = scope.requests(viewer).where(Request.state.in_(WAITING_FOR_US)).order_by(None)
        return session.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0


def stuck_requests(rt: Runtime, viewer: Viewer) -> list[RequestView]:
    """Requests that wait for support too long, for the operators' board."""
    with rt.store.begin() as session:
        now = rt.store.now(session)
        rows = session.scalars(
            scope.requests(viewer)
            .where(Request.state.in_(WAITING_FOR_US), Request.changed_at < now - STUCK_AFTER)
            .order_by(None)
            .order_by(Request.changed_at)
            .limit(200)
        )
        return [_view(row, now, Role.SUPPORT) for row in rows]


def _terms(chosen: Filter, account: Account) -> Sequence[sa.ColumnElement[bool]]:
    terms: list[sa.ColumnElement[bool]] = []
    if chosen.state == "waiting":
        terms.append(Request.state.in_(WAITING_FOR_US))
    elif chosen.state == "open":
        terms.append(Request.closed_at.is_(None))
    elif chosen.state in {state.value for state in RequestState}:
        terms.append(Request.state == chosen.state)
    if chosen.mine:
        terms.append(Request.handler == account.id)
    if words := chosen.text.strip()[:100]:
        terms.append(
            sa.or_(
                *(
                    column.icontains(words, autoescape=True)
                    for column in (
                        Request.customer_code,
                        Request.customer_name,
                        Request.account_email,
                        Request.extension,
                    )
                )
            )
        )
    return terms


def _steps(session: Session, request_id: UUID) -> tuple[Step, ...]:
    rows = session.scalars(
        sa.select(RequestStep).where(RequestStep.request_id == request_id).order_by(RequestStep.id)
    )
    return tuple(Step(row.at, row.actor, row.action, row.state, dict(row.detail)) for row in rows)


def _view(row: Request, now: datetime, role: Role, steps: tuple[Step, ...] = ()) -> RequestView:
    state = RequestState(row.state)
    expired = state is RequestState.QUOTED and (row.valid_until or now) < now
    possible = actions(state, role)
    if expired:
        possible -= {RequestAction.AGREE}
    vat = row.vat_percent
    return RequestView(
        id=row.id,
        version=row.version,
        state=state,
        tenant_id=row.tenant_id,
        account_id=row.account_id,
        account_email=row.account_email,
        customer_code=row.customer_code,
        customer_name=row.customer_name,
        domain=row.domain,
        extension=row.extension,
        remarks=row.remarks,
        note=row.note,
        handler=row.handler,
        quote=row.quotes,
        once=Price(row.once_price, vat) if row.once_price is not None and vat is not None else None,
        monthly=Price(row.monthly_price, vat)
        if row.monthly_price is not None and vat is not None
        else None,
        summary=row.summary,
        rate_text=row.rate_text,
        valid_until=row.valid_until,
        terms_version=row.terms_version,
        agreed_at=row.agreed_at,
        link_id=row.link_id,
        ends_at=row.ends_at,
        created_at=row.created_at,
        changed_at=row.changed_at,
        age=now - row.changed_at,
        expired=expired,
        stuck=state in WAITING_FOR_US and now - row.changed_at > STUCK_AFTER,
        actions=possible,
        steps=steps,
    )
