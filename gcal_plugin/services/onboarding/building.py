"""From agreed to ready: the checklist, and the link that comes out of it.

The exchange is asked before the transaction opens; what it said is part of the history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ...domain.policy import Policy
from ...domain.request_state import RequestAction, Role
from ...ports import (
    Account,
    Capabilities,
    Line,
    Telephony,
    TelephonyError,
    UnknownExtension,
    Unsupported,
)
from ...store import scope
from ...store.queries_guards import tenant_states
from ..access import actor
from ..guarding import audit, policy_for
from ..linking.provision import add_link
from ..runtime import Runtime
from .errors import NotOnExchange, WrongFields
from .mailing import to_customer
from .records import Change, changing, desk_of, take


@dataclass(frozen=True, slots=True)
class LineCheck:
    """What the exchange says of a line.

    `outcome`: `found`, `unknown` (no such extension), `unreachable` (try later), `refused` (it
    does not let us in) or `cannot_check` (this platform cannot be asked).
    """

    outcome: str
    destinations: tuple[str, ...] = ()
    """A forward that stands there already, and that we will not clear unasked."""
    detail: str = ""

    @property
    def good(self) -> bool:
        """Whether provisioning can go on."""
        return self.outcome in {"found", "cannot_check"}


@dataclass(frozen=True, slots=True)
class Checklist:
    """What support looks at before an extension is made ready."""

    line: Line
    pbx: str
    pbx_choices: tuple[str, ...]
    check: LineCheck
    capabilities: Capabilities | None
    policy: Policy
    listed: bool | None
    """Whether the portal lists the extension; None where it keeps no list."""
    holder: str = "found"
    """See `holder_check`."""

    @property
    def good(self) -> bool:
        """Whether nothing stands in the way."""
        return self.check.good and self.listed is not False and self.holder == "found"


def check_line(exchange: Telephony | None, line: Line) -> LineCheck:
    """Ask an exchange whether it knows a line, and what is set there."""
    if exchange is None:
        return LineCheck("refused", detail="no such exchange")
    if exchange.capabilities.mode == "pull" or not exchange.capabilities.read_back:
        return LineCheck("cannot_check")
    try:
        held = exchange.read(line)
    except UnknownExtension:
        return LineCheck("unknown")
    except Unsupported:
        return LineCheck("cannot_check")
    except TelephonyError as error:
        return LineCheck("refused" if error.permanent else "unreachable", detail=str(error)[:200])
    return LineCheck("found", tuple(sorted(str(one) for one in held.destinations)))


def checklist(
    rt: Runtime, account: Account, request_id: UUID | str, pbx: str | None = None
) -> Checklist:
    """The checklist of a request, with the exchange asked just now."""
    viewer = desk_of(account)
    with rt.store.begin() as session:
        row = scope.request(session, viewer, request_id)
        state = tenant_states(session, {row.tenant_id}).get(row.tenant_id)
    tenant = rt.portal.tenant(row.tenant_id)
    allowed = _exchanges(rt, row.tenant_id)
    name = pbx if pbx in allowed else (tenant.pbx if tenant else "")
    exchange = rt.telephony.get(name)
    line = Line(row.domain, row.extension)
    holder = rt.portal.account(row.account_id)
    listed = rt.portal.extensions(holder) if holder is not None else None
    return Checklist(
        line=line,
        pbx=name,
        pbx_choices=allowed,
        check=check_line(exchange, line),
        capabilities=exchange.capabilities if exchange is not None else None,
        policy=policy_for(tenant, None, state),
        listed=None if listed is None else any(x.number == row.extension for x in listed),
        holder=holder_check(holder),
    )


def holder_check(account: Account | None) -> str:
    """What the portal says of an account: `found`, `unknown_account` or `closed_account`."""
    if account is None:
        return "unknown_account"
    return "closed_account" if account.closed else "found"


def start(rt: Runtime, account: Account, request_id: UUID | str, version: int | None) -> None:
    """Begin to build: after the agreement, or directly where it was settled by telephone."""
    with changing(rt, desk_of(account), request_id, version) as change:
        change.row.handler = change.row.handler or account.id
        take(change, RequestAction.PROVISION, Role.SUPPORT, actor(account))


def finish(
    rt: Runtime,
    account: Account,
    request_id: UUID | str,
    version: int | None,
    *,
    pbx: str | None = None,
    policy: Mapping[str, Any] | None = None,
) -> UUID:
    """Make the extension ready to connect and tell the customer; answers the link's id.

    Raises NotOnExchange where the exchange does not know the extension or cannot be asked now, and
    where the portal does not list it or has no open account to go with it,
    WrongFields for a policy that cannot be read or that promises more destinations at once than the
    exchange takes, ExtensionTaken where another's link is there.
    """
    found = checklist(rt, account, request_id, pbx)
    if not found.check.good:
        raise NotOnExchange(found.check.outcome, found.check.detail)
    if found.listed is False:
        raise NotOnExchange("not_listed")
    if found.holder != "found":
        # A link without somebody who can open its page: nobody would ever connect or mend it.
        raise NotOnExchange(found.holder)
    own = dict(policy or {})
    try:
        Policy.from_json(own)
    except ValueError as error:
        raise WrongFields({"policy": str(error)}) from None
    most = found.capabilities.max_destinations if found.capabilities is not None else None
    if most is not None and own.get("max_simultaneous", 0) > most:
        # Promised now, it would be found out in a job, at the first two events that overlap.
        raise WrongFields({"policy": f"max_simultaneous: {found.pbx} takes {most} at once"})
    with changing(rt, desk_of(account), request_id, version) as change:
        link_id = make_ready(rt, change, found.pbx, own, actor(account), found.check.outcome)
    rt.wake.mail()
    return link_id


def make_ready(
    rt: Runtime,
    change: Change,
    pbx: str,
    policy: dict[str, Any],
    who: str,
    check: str,
    role: Role = Role.SUPPORT,
) -> UUID:
    """The link, the last step and the letter, in the caller's transaction."""
    row = change.row
    link = add_link(
        rt, change.session,
        tenant_id=row.tenant_id, account_id=row.account_id, domain=row.domain,
        extension=row.extension, actor=who, pbx=pbx or None,
    )  # fmt: skip
    link.policy = policy
    row.link_id = link.id
    take(
        change,
        RequestAction.FINISH,
        role,
        who,
        check=check,
        pbx=pbx,
        policy=policy_for(rt.portal.tenant(row.tenant_id), link).version,
    )
    audit(change.session, who, "provision", f"link:{link.id}", row.tenant_id, check=check)
    to_customer(rt, change, "done", link.id)
    return link.id


def _exchanges(rt: Runtime, tenant_id: str) -> tuple[str, ...]:
    """The exchanges that a tenant may use: its own, never those of other tenants."""
    tenant = rt.portal.tenant(tenant_id)
    return (tenant.pbx,) if tenant is not None and tenant.pbx in rt.telephony else ()
