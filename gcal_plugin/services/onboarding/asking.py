"""A customer asks for the integration: the form, its faults, and the first step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.request_state import RequestState
from ...ports import Account, Extension, Role
from ...store.tables import Link, Request
from ..access import actor, as_customer
from ..runtime import Runtime
from .errors import AlreadyOpen, WrongFields
from .fields import Fields
from .mailing import support_address, to_customer, to_desk
from .records import Change, guarded, open_request, remember

MOST_EXTENSIONS = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What the request page sends, as typed."""

    extensions: Sequence[str]
    customer_code: str = ""
    customer_name: str = ""
    email: str = ""
    remarks: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """An extension that can be asked for, or why it cannot."""

    extension: Extension
    request_id: UUID | None = None
    """The open request for it, where this account may see it."""
    holder: str = ""
    """Who has it already, where somebody does."""
    mine: bool = False
    """Whether that is whoever asks."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of a request: new ones, and open ones that it led to."""

    made: tuple[UUID, ...]
    found: tuple[UUID, ...]

    @property
    def first(self) -> UUID:
        """The request to show."""
        return (*self.made, *self.found)[0]


@dataclass(frozen=True, slots=True)
class PreparedMail:
    """A mail for the customer to send, where requests go by mail."""

    to: str
    subject: str
    body: str

    @property
    def url(self) -> str:
        """The `mailto:` address that opens it."""
        to, subject, body = quote(self.to, safe="@"), quote(self.subject), quote(self.body)
        return f"mailto:{to}?subject={subject}&body={body}"


def choices(rt: Runtime, account: Account) -> list[Choice] | None:
    """The customer's extensions with what is known of each; None where the portal has no list."""
    listed = rt.portal.extensions(account)
    if listed is None:
        return None
    with rt.store.begin() as session:
        return [_choice(rt, session, account, extension) for extension in listed]


def may_name_others(account: Account) -> bool:
    """Whether the request may be for a colleague, with other customer details."""
    return Role.CUSTOMER_ADMIN in account.roles


def submit(rt: Runtime, account: Account, asked: Asked) -> Submitted:
    """Ask for one or more extensions; raises WrongFields with every fault.

    A second request for the same extension leads to the first.
    """
    holder, facts = _check(rt, account, asked)
    try:
        submitted = _write(rt, account, holder, facts)
    except AlreadyOpen:
        # Somebody asked in this very moment; now there is a request to lead to.
        submitted = _write(rt, account, holder, facts)
    if submitted.made:
        rt.wake.mail()
    return submitted


def _write(rt: Runtime, account: Account, holder: Account, facts: dict[str, str]) -> Submitted:
    made: list[UUID] = []
    found: list[UUID] = []
    with guarded(), rt.store.begin() as session:
        now = rt.store.now(session)
        for extension in facts["extensions"].split():
            held = open_request(session, account.tenant_id, holder.domain, extension)
            if held is not None:
                found.append(held.id)
                continue
            row = Request(
                tenant_id=account.tenant_id,
                account_id=holder.id,
                account_email=holder.email,
                customer_code=facts["customer_code"],
                customer_name=facts["customer_name"],
                domain=holder.domain,
                extension=extension,
                remarks=facts["remarks"],
                state=RequestState.REQUESTED.value,
                created_at=now,
                changed_at=now,
            )
            session.add(row)
            change = Change(session, row, now)
            step = remember(change, "request", actor(account))
            to_customer(rt, change, "received", step.id)
            to_desk(rt, change, "received_desk", step.id)
            made.append(row.id)
    return Submitted(tuple(made), tuple(found))


def prepare_mail(rt: Runtime, account: Account, asked: Asked) -> PreparedMail:
    """The same request as a mail to support (`GCAL_REQUEST_MODE=mail`); raises WrongFields."""
    holder, facts = _check(rt, account, asked)
    lines = [
        f"Klantcode: {facts['customer_code']}",
        f"Klant: {facts['customer_name']}",
        f"Portaalaccount: {holder.email}",
        f"Extensie(s): {', '.join(facts['extensions'].split())}",
        "",
        facts["remarks"],
    ]
    return PreparedMail(
        to=support_address(rt, rt.portal.tenant(account.tenant_id)),
        subject=f"Aanvraag Google Calendar Integratie {facts['customer_code']}",
        body="\r\n".join(lines),
    )


def _check(rt: Runtime, account: Account, asked: Asked) -> tuple[Account, dict[str, str]]:
    """The account that it is for, and the fields in order; raises WrongFields."""
    fields = Fields()
    free = may_name_others(account)
    facts = {
        "customer_code": fields.text(
            "customer_code", asked.customer_code if free else account.customer_code, longest=64
        ),
        "customer_name": fields.text(
            "customer_name", asked.customer_name if free else account.customer_name, longest=255
        ),
        "remarks": fields.lines("remarks", asked.remarks),
    }
    holder = account
    if free and asked.email.strip() and asked.email.strip().lower() != account.email.lower():
        address = fields.email("email", asked.email)
        found = rt.portal.find_account(account.tenant_id, address)
        if found is None or found.domain != account.domain or found.closed:
            fields.faults.setdefault("email", "unknown_account")
        else:
            holder = found
    wanted = list(dict.fromkeys(x.strip() for x in asked.extensions if x.strip()))
    if not wanted:
        fields.faults.setdefault("extensions", "no_extension")
    if len(wanted) > MOST_EXTENSIONS:
        fields.faults.setdefault("extensions", "too_many")
    listed = rt.portal.extensions(account)
    known = None if listed is None else {extension.number for extension in listed}
    for extension in wanted[:MOST_EXTENSIONS]:
        digits = fields.extension("extensions", extension)
        if digits and known is not None and digits not in known:
            fields.faults.setdefault("extensions", "unknown_extension")
    if not fields.faults:
        with rt.store.begin() as session:
            for extension in wanted:
                if _taken(session, account, holder, extension):
                    fields.faults.setdefault("extensions", "taken")
    if fields.faults:
        raise WrongFields(fields.faults)
    facts["extensions"] = " ".join(wanted)
    return holder, facts


def _taken(session: Session, account: Account, holder: Account, extension: str) -> bool:
    """Whether the line is another's already, or linked; an open request in reach leads there."""
    request = open_request(session, account.tenant_id, holder.domain, extension)
    if request is not None:
        return not _in_reach(session, account, request)
    return _live_link(session, account.tenant_id, holder.domain, extension) is not None


def _in_reach(session: Session, account: Account, request: Request) -> bool:
    from ...store import scope

    try:
        scope.request(session, as_customer(account), request.id)
    except scope.NotInReach:
        return False
    return True


def _live_link(session: Session, tenant_id: str, domain: str, extension: str) -> Link | None:
    found: Link | None = session.scalar(
        sa.select(Link).where(
            Link.tenant_id == tenant_id,
            Link.domain == domain,
            Link.extension == extension,
            Link.ended_at.is_(None),
        )
    )
    return found


def _choice(rt: Runtime, session: Session, account: Account, extension: Extension) -> Choice:
    request = open_request(session, account.tenant_id, account.domain, extension.number)
    if request is not None and _in_reach(session, account, request):
        return Choice(extension, request_id=request.id)
    row = request or _live_link(session, account.tenant_id, account.domain, extension.number)
    if row is None:
        return Choice(extension)
    if row.account_id == account.id:
        return Choice(extension, holder=account.name or account.email, mine=True)
    held_by = rt.portal.account(row.account_id)
    return Choice(extension, holder=(held_by.name or held_by.email) if held_by else "?")
