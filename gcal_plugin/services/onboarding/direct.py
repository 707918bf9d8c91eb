"""Provisioning without a quote: what was settled by telephone, and customers who come along."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.request_state import RequestAction, RequestState, Role
from ...ports import Account, Line
from ...store import scope
from ...store.tables import Request
from ..access import actor
from ..guarding import audit
from ..linking.provision import live_link
from ..runtime import Runtime
from .building import check_line, make_ready
from .errors import NotOnExchange, WrongFields
from .fields import Fields
from .records import Change, desk_of, guarded, open_request, remember, take


@dataclass(frozen=True, slots=True)
class Wanted:
    """One extension to make ready, for one account of the portal."""

    holder: Account
    extension: str
    pbx: str


def provision_directly(
    rt: Runtime, account: Account, *, email: str, extension: str, remarks: str = ""
) -> UUID:
    """Make an extension ready at once; answers the request's id. Raises WrongFields."""
    desk = desk_of(account)
    request_id = provision_for(
        rt,
        account.tenant_id,
        email=email,
        extension=extension,
        remarks=remarks,
        who=actor(account),
    )
    with rt.store.begin() as session:
        scope.request(session, desk, request_id)
    return request_id


def provision_for(
    rt: Runtime, tenant_id: str, *, email: str, extension: str, who: str, remarks: str = ""
) -> UUID:
    """The same for the command line, where `who` did it; repeating it changes nothing."""
    fields = Fields()
    text = fields.lines("remarks", remarks)
    wanted = read_wanted(rt, fields, tenant_id, email, extension)
    if wanted is None or fields.faults:
        raise WrongFields(fields.faults)
    check = check_line(rt.telephony.get(wanted.pbx), line_of(wanted))
    if not check.good:
        raise NotOnExchange(check.outcome, check.detail)
    with guarded(), rt.store.begin() as session:
        request_id, _ = add(rt, session, wanted, who=who, remarks=text, check=check.outcome)
    rt.wake.mail()
    return request_id


def read_wanted(
    rt: Runtime, fields: Fields, tenant_id: str, email: str, extension: str
) -> Wanted | None:
    """Read and look up; faults go to `fields`, and the answer is None then."""
    address = fields.email("email", email)
    digits = fields.extension("extension", extension)
    tenant = rt.portal.tenant(tenant_id)
    if tenant is None:
        fields.faults.setdefault("tenant", "unknown_tenant")
        return None
    if tenant.pbx not in rt.telephony:
        fields.faults.setdefault("tenant", "unknown_exchange")
        return None
    if fields.faults:
        return None
    holder = rt.portal.find_account(tenant_id, address)
    if holder is None or holder.closed or holder.tenant_id != tenant_id:
        fields.faults.setdefault("email", "unknown_account")
        return None
    listed = rt.portal.extensions(holder)
    if listed is not None and all(one.number != digits for one in listed):
        fields.faults.setdefault("extension", "unknown_extension")
        return None
    return Wanted(holder, digits, tenant.pbx)


def line_of(wanted: Wanted) -> Line:
    """The line on the exchange."""
    return Line(wanted.holder.domain, wanted.extension)


def holder_of(session: Session, wanted: Wanted) -> str | None:
    """The account id of another who has the line already; None where nobody else has."""
    link = live_link(session, wanted.pbx, *line_of(wanted))
    if link is not None and (link.tenant_id, link.account_id) != (
        wanted.holder.tenant_id,
        wanted.holder.id,
    ):
        return link.account_id
    request = open_request(session, wanted.holder.tenant_id, *line_of(wanted))
    if request is not None and request.account_id != wanted.holder.id:
        return request.account_id
    return None


_OVER = (RequestState.ENDED, RequestState.CANCELLED)


def ended_for(session: Session, wanted: Wanted) -> bool:
    """Whether the account had the line, or asked for it, and that came to an end."""
    state = session.scalar(
        sa.select(Request.state)
        .where(
            Request.tenant_id == wanted.holder.tenant_id,
            Request.account_id == wanted.holder.id,
            Request.domain == wanted.holder.domain,
            Request.extension == wanted.extension,
        )
        # The one that is open counts for the newest: there is one at most.
        .order_by(Request.closed_at.is_not(None), Request.closed_at.desc())
        .limit(1)
    )
    return state in _OVER


def add(
    rt: Runtime, session: Session, wanted: Wanted, *, who: str, remarks: str, check: str
) -> tuple[UUID, bool]:
    """Bring one line to ready, within the caller's transaction: (request id, whether it is new).

    An open request for it goes the rest of its way; one that is ready stays as it is.
    """
    holder, now = wanted.holder, rt.store.now(session)
    if holder_of(session, wanted) is not None:
        raise WrongFields({"extension": "taken"})
    row = open_request(session, holder.tenant_id, *line_of(wanted))
    if row is not None and row.state in {RequestState.READY, RequestState.LINKED}:
        return row.id, False
    if row is None:
        row = Request(
            tenant_id=holder.tenant_id,
            account_id=holder.id,
            account_email=holder.email,
            customer_code=holder.customer_code,
            customer_name=holder.customer_name,
            domain=holder.domain,
            extension=wanted.extension,
            remarks=remarks,
            state=RequestState.REQUESTED.value,
            created_at=now,
            changed_at=now,
        )
        session.add(row)
        remember(Change(session, row, now), "request_directly", who)
    change = Change(session, row, now)
    if row.state != RequestState.PROVISIONING:
        take(change, RequestAction.PROVISION, Role.SUPPORT, who)
    make_ready(rt, change, wanted.pbx, {}, who, check)
    audit(session, who, "provision_directly", f"request:{row.id}", row.tenant_id)
    return row.id, True
