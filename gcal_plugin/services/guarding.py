"""What a line may do right now: its policy, what is known about it, and who switched it off.

The rules themselves are pure (`domain.policy`); here they meet the tenant's and the link's own
settings. Every read is made for a whole batch at once, since a switching job asks for 500 links.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from ..domain.policy import LineContext, Policy
from ..ports import Extension, Tenant
from ..store import queries_guards, scope
from ..store.queries_switching import mark_due
from ..store.scope import Viewer
from ..store.store import database_now
from ..store.tables import Audit, Link, TenantState
from .runtime import Runtime

log = structlog.get_logger(__name__)

_T = TypeVar("_T")


def policy_for(
    tenant: Tenant | None, link: Link | None = None, tenant_state: TenantState | None = None
) -> Policy:
    """The destination policy of a link: the portal's, then the desk's, then the link's own.

    Each layer names only what differs. A value that cannot be read is told in the log and gives
    way to the default, which is always the careful choice.
    """
    merged: dict[str, Any] = {}
    if tenant is not None:
        merged["accept_invitations"] = tenant.accept_invitations
        merged.update(tenant.policy)
    if tenant_state is not None:
        merged.update(tenant_state.policy or {})
    if link is not None:
        merged.update(link.policy or {})
    try:
        return Policy.from_json(merged)
    except ValueError as error:
        log.error("policy_unreadable", tenant_id=tenant.id if tenant else "", fault=str(error))
        return Policy.from_json({key: value for key, value in merged.items() if _reads(key, value)})


def _reads(key: str, value: object) -> bool:
    try:
        Policy.from_json({key: value})
    except ValueError:
        return False
    return True


def contexts(rt: Runtime, session: Session, links: Sequence[Link]) -> dict[UUID, LineContext]:
    """What is known about each link's line, by link id: two queries for any number of links."""
    tenants = {link.tenant_id for link in links}
    states = queries_guards.tenant_states(session, tenants)
    blocked = queries_guards.blocked_values(session, tenants)
    lists: dict[str, Mapping[str, Extension] | None] = {}
    found: dict[UUID, LineContext] = {}
    for link in links:
        if link.account_id not in lists:
            lists[link.account_id] = _extensions(rt, link.account_id)
        found[link.id] = _context(
            rt, link, states.get(link.tenant_id), blocked[link.tenant_id], lists[link.account_id]
        )
    return found


def context_of(
    rt: Runtime, link: Link, state: TenantState | None, blocked: frozenset[str]
) -> LineContext:
    """What is known about a line whose rows were read already."""
    return _context(rt, link, state, blocked, _extensions(rt, link.account_id))


def _context(
    rt: Runtime,
    link: Link,
    state: TenantState | None,
    blocked: frozenset[str],
    listed: Mapping[str, Extension] | None,
) -> LineContext:
    own = listed.get(link.extension) if listed is not None else None
    return LineContext(
        extension=link.extension,
        known_extensions=frozenset(listed) if listed is not None else None,
        own_numbers=frozenset(own.public_numbers) if own is not None else frozenset(),
        blocked=blocked,
        killed=link.killed_at is not None or (state is not None and state.killed_at is not None),
        unreachable_extensions=_unreachable(rt, link.pbx, listed),
    )


def line_context(rt: Runtime, session: Session, link: Link) -> LineContext:
    """What is known about one link's line; see `contexts` for many."""
    return contexts(rt, session, [link])[link.id]


def rules_of(rt: Runtime, session: Session, link: Link) -> tuple[LineContext, Policy]:
    """A link's line and its destination policy together, in two queries."""
    tenants = {link.tenant_id}
    state = queries_guards.tenant_states(session, tenants).get(link.tenant_id)
    blocked = queries_guards.blocked_values(session, tenants)[link.tenant_id]
    policy = policy_for(rt.portal.tenant(link.tenant_id), link, state)
    return context_of(rt, link, state, blocked), policy


def policies(rt: Runtime, session: Session, links: Sequence[Link]) -> dict[UUID, Policy]:
    """The destination policy of each link, by link id."""
    states = queries_guards.tenant_states(session, {link.tenant_id for link in links})
    tenants = {tenant_id: rt.portal.tenant(tenant_id) for tenant_id in {x.tenant_id for x in links}}
    return {
        link.id: policy_for(tenants[link.tenant_id], link, states.get(link.tenant_id))
        for link in links
    }


class RulesUnknown(Exception):
    """The portal broke over a tenant or an account: nobody can tell now what may be forwarded."""


def rules_of_many(
    rt: Runtime, session: Session, links: Sequence[Link], states: Mapping[str, TenantState]
) -> dict[UUID, tuple[LineContext, Policy, RulesUnknown | None]]:
    """Line and policy of each link, by link id, in one query; `states` are their tenants'.

    The portal is somebody's code too. What it raises for one account is that account's: its links
    get what is known without it, and the fault.
    """
    blocked = queries_guards.blocked_values(session, {link.tenant_id for link in links})
    lists = _Asked(lambda account_id: _extensions(rt, account_id))
    tenants = _Asked(rt.portal.tenant)
    found: dict[UUID, tuple[LineContext, Policy, RulesUnknown | None]] = {}
    for link in links:
        state = states.get(link.tenant_id)
        tenant, fault = tenants.of(link.tenant_id)
        listed, unlisted = lists.of(link.account_id)
        context = _context(rt, link, state, blocked[link.tenant_id], listed)
        found[link.id] = context, policy_for(tenant, link, state), fault or unlisted
    return found


class _Asked(Generic[_T]):
    """What the portal answered, each question once, or why it did not."""

    def __init__(self, ask: Callable[[str], _T | None]) -> None:
        self._ask = ask
        self._known: dict[str, tuple[_T | None, RulesUnknown | None]] = {}

    def of(self, name: str) -> tuple[_T | None, RulesUnknown | None]:
        if name not in self._known:
            try:
                self._known[name] = self._ask(name), None
            except Exception as error:  # noqa: BLE001 (told on the line, by whoever asks)
                fault = RulesUnknown(f"the portal did not answer: {type(error).__name__}: {error}")
                self._known[name] = None, fault
        return self._known[name]


def _extensions(rt: Runtime, account_id: str) -> Mapping[str, Extension] | None:
    account = rt.portal.account(account_id)
    listed = rt.portal.extensions(account) if account is not None else None
    return None if listed is None else {extension.number: extension for extension in listed}


def _unreachable(rt: Runtime, pbx: str, listed: Mapping[str, Extension] | None) -> frozenset[str]:
    """The listed extensions that this exchange cannot forward to."""
    exchange = rt.telephony.get(pbx)
    if listed is None or exchange is None or exchange.capabilities.accepts_extensions:
        return frozenset()
    return frozenset(listed)


# -- the audit trail ----------------------------------------------------------------------------


def audit(
    session: Session, actor: str, action: str, subject: str, tenant_id: str, **codes: object
) -> None:
    """Add one line to the audit log, in the transaction of what it tells.

    `codes` are stable codes, counts and opaque ids, never names, addresses or numbers of people,
    so that erasing a person never has to touch the log.
    """
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    session.add(
        Audit(
            at=database_now(session),
            tenant_id=tenant_id,
            actor=actor,
            action=action,
            subject=subject,
            request_id=str(request_id)[:64],
            detail={key: value if _plain(value) else str(value) for key, value in codes.items()},
        )
    )


def _plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


# -- kill switches ------------------------------------------------------------------------------


class HeldByOperators(Exception):
    """Operators switched this tenant off; only they switch it on again."""


_OPERATOR = "operator:"


def kill_tenant(
    rt: Runtime, tenant_id: str, *, actor: str, on: bool = True, reason: str = ""
) -> int:
    """Switch forwarding off (or on again) for a whole tenant; answers how many lines that marks.

    Every line becomes due at once, plans on the exchange included: within seconds each has its own
    route back. `reason` is a code for the audit log. What operators switched off a desk cannot take
    over: HeldByOperators when it tries to switch on.
    """
    with rt.store.begin() as session:
        now = rt.store.now(session)
        state = session.get(TenantState, tenant_id, with_for_update=True)
        if state is None:
            state = TenantState(tenant_id=tenant_id, policy={})
            session.add(state)
        held = (state.killed_by or "").startswith(_OPERATOR) and not actor.startswith(_OPERATOR)
        if held and not on:
            raise HeldByOperators(tenant_id)
        if not held:
            state.killed_at, state.killed_by = (now, actor) if on else (None, None)
        links = queries_guards.links_of_tenant(session, tenant_id)
        mark_due(session, [link_id for link_id, _ in links], now, cause="kill")
        audit(
            session,
            actor,
            "kill" if on else "unkill",
            f"tenant:{tenant_id}",
            tenant_id,
            lines=len(links),
            **({"reason": reason} if reason else {}),
        )
    wake(rt, links)
    return len(links)


def kill_link(rt: Runtime, viewer: Viewer, link_id: UUID, *, actor: str, on: bool = True) -> None:
    """Switch forwarding off (or on again) for one link; NotInReach where the viewer has none."""
    with rt.store.begin() as session:
        now = rt.store.now(session)
        link = scope.link(session, viewer, link_id)
        link.killed_at = now if on else None
        mark_due(session, [link.id], now, cause="kill")
        audit(session, actor, "kill" if on else "unkill", f"link:{link.id}", link.tenant_id)
        links = [(link.id, link.pbx)]
    wake(rt, links)


def is_killed(rt: Runtime, viewer: Viewer, link_id: UUID) -> bool:
    """Whether a link is switched off by itself; NotInReach where the viewer has none."""
    with rt.store.begin() as session:
        return scope.link(session, viewer, link_id).killed_at is not None


def wake(rt: Runtime, links: Iterable[tuple[UUID, str]]) -> None:
    """Ask the workers to look now; where the queue is away the clock finds the same rows."""
    for pbx, link_ids in queries_guards.by_pbx(links).items():
        for start in range(0, len(link_ids), rt.settings.batch_size):
            rt.wake.switch(pbx, link_ids[start : start + rt.settings.batch_size])
