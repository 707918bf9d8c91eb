"""The end: cancelled before it began, or a contract that stops, now or on a grace date."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog

from ...domain.request_state import RequestAction, RequestState, Role
from ...ports import Account
from ...store.tables import Link, MailOut, Request
from .. import outbox
from ..access import SYSTEM, actor, as_customer
from ..linking import disconnecting
from ..linking.provision import end_link
from ..runtime import Runtime
from .errors import ChangedMeanwhile, NotPossible, OnboardingError, WrongFields
from .fields import Fields
from .mailing import to_customer
from .records import Change, changing, desk_of, done_already, guarded, remember, take

log = structlog.get_logger(__name__)

_RUNNING = (RequestState.READY.value, RequestState.LINKED.value)


def cancel(
    rt: Runtime,
    account: Account,
    request_id: UUID | str,
    version: int | None,
    *,
    why: str = "",
    as_desk: bool,
) -> None:
    """Withdraw a request that is not ready yet, as its customer or as support.

    A second click by the same person changes nothing and is fine.
    """
    viewer = desk_of(account) if as_desk else as_customer(account)
    role = Role.SUPPORT if as_desk else Role.CUSTOMER
    fields = Fields()
    reason = fields.lines("why", why)
    if fields.faults:
        raise WrongFields(fields.faults)
    who = actor(account)
    try:
        with changing(rt, viewer, request_id, version) as change:
            step = take(change, RequestAction.CANCEL, role, who, why=reason)
            outbox.cancel_of_request(change.session, change.row.id)
            to_customer(rt, change, "cancelled", step.id, why=reason)
    except (ChangedMeanwhile, NotPossible):
        if not done_already(rt, viewer, request_id, RequestAction.CANCEL, who):
            raise
        return
    rt.wake.mail()


def end_contract(
    rt: Runtime,
    account: Account,
    request_id: UUID | str,
    version: int | None,
    *,
    ends_on: str = "",
    why: str = "",
) -> None:
    """End a contract: on a day to come everything goes on until then, without one it ends now.

    Ending stops the forward and withdraws the access to the calendar.
    """
    fields = Fields()
    reason = fields.lines("why", why)
    with changing(rt, desk_of(account), request_id, version) as change:
        row = change.row
        if row.state not in _RUNNING:
            raise NotPossible(f"end is not possible while {row.state}")
        ends_at = _end_of(rt, fields, row, ends_on, change.now)
        if fields.faults:
            raise WrongFields(fields.faults)
        row.ends_at = ends_at
        link = change.session.get(Link, row.link_id) if row.link_id is not None else None
        if link is not None:
            link.ends_at = ends_at
        step = remember(
            change, "end_planned", actor(account), ends_at=ends_at.isoformat(), why=reason
        )
        outbox.cancel_of_request(change.session, row.id, "ending", "kept")
        if ends_at > change.now:
            to_customer(rt, change, "ending", step.id, why=reason)
    rt.wake.mail()
    if ends_at <= change.now:
        _end(rt, change.row.id, actor(account))


def keep_contract(
    rt: Runtime, account: Account, request_id: UUID | str, version: int | None
) -> None:
    """Take back an end that is still to come; the customer is told if the end was told."""
    with changing(rt, desk_of(account), request_id, version) as change:
        if change.row.ends_at is None or change.row.state not in _RUNNING:
            raise NotPossible("no end was planned")
        change.row.ends_at = None
        link = change.session.get(Link, change.row.link_id) if change.row.link_id else None
        if link is not None:
            link.ends_at = None
        step = remember(change, "end_withdrawn", actor(account))
        outbox.cancel_of_request(change.session, change.row.id, "ending")
        if _end_was_told(change):
            to_customer(rt, change, "kept", step.id)
    rt.wake.mail()


def _end_was_told(change: Change) -> bool:
    """Whether a letter about the end went out, and none after it that the contract goes on."""
    last = change.session.scalar(
        sa.select(MailOut.kind)
        .where(
            MailOut.request_id == change.row.id,
            MailOut.kind.in_(("ending", "kept")),
            MailOut.state.in_(("sent", "sending")),
        )
        .order_by(MailOut.id.desc())
        .limit(1)
    )
    return last == "ending"


def end_due(rt: Runtime) -> int:
    """End the contracts whose grace date has come; answers how many. Run by the clock.

    One that breaks does not keep the others; its error is raised after them.
    """
    with rt.store.begin() as session:
        now = rt.store.now(session)
        due = list(
            session.scalars(
                sa.select(Request.id).where(Request.state.in_(_RUNNING), Request.ends_at <= now)
            )
        )
    ended, broke = 0, None
    for request_id in due:
        try:
            ended += _end(rt, request_id, SYSTEM)
        except OnboardingError as error:
            # Somebody took another step in this very moment; the next round looks again.
            log.info("end_postponed", request=str(request_id), code=error.code)
        except Exception as error:
            log.exception("end_failed", request=str(request_id))
            broke = broke or error
    if broke is not None:
        raise broke
    return ended


def _end(rt: Runtime, request_id: UUID, who: str) -> bool:
    grant_id: UUID | None = None
    links: list[tuple[str, UUID]] = []
    with guarded(), rt.store.begin() as session:
        row = session.get(Request, request_id, populate_existing=True)
        now = rt.store.now(session)
        if row is None or row.state not in _RUNNING or row.ends_at is None or row.ends_at > now:
            return False
        change = Change(session, row, now)
        role = Role.SYSTEM if who == SYSTEM else Role.SUPPORT
        link = session.get(Link, row.link_id) if row.link_id is not None else None
        if link is not None and link.ended_at is None:
            grant_id = end_link(session, link, who, now)
            links = [(link.pbx, link.id)]
        take(change, RequestAction.END, role, who)
        outbox.cancel_of_request(session, row.id)
        to_customer(rt, change, "ended", "once")
    for pbx, link_id in links:
        rt.wake.switch(pbx, [link_id])
    if grant_id is not None:
        disconnecting.release(rt, grant_id)
    rt.wake.mail()
    return True


def _end_of(rt: Runtime, fields: Fields, row: Request, ends_on: str, now: datetime) -> datetime:
    if not ends_on.strip():
        return now
    tenant = rt.portal.tenant(row.tenant_id)
    zone = ZoneInfo(tenant.time_zone if tenant else "Europe/Amsterdam")
    return fields.last_day("ends_on", ends_on, now=now, zone=zone, farthest=3 * 366)
