"""From an account and its roles to how far it sees."""

from __future__ import annotations

from ..ports import Account, Role
from ..store.scope import Reach, Viewer


def as_customer(account: Account) -> Viewer:
    """What the customer's pages show: own links, or all of the customer's for its administrator."""
    reach = Reach.CUSTOMER if Role.CUSTOMER_ADMIN in account.roles else Reach.OWN
    return Viewer(account.tenant_id, account.id, account.domain, reach)


def as_support(account: Account) -> Viewer | None:
    """What the desk shows: the tenant's links and requests; None for whoever is not support."""
    if Role.SUPPORT not in account.roles:
        return None
    return Viewer(account.tenant_id, account.id, account.domain, Reach.TENANT)


def as_operator(account: Account) -> Viewer | None:
    """What the board shows: every tenant; None for whoever is not an operator."""
    if Role.OPERATOR not in account.roles:
        return None
    return Viewer(account.tenant_id, account.id, account.domain, Reach.ALL)


def actor(account: Account) -> str:
    """How an account is named in histories: its kind and opaque id, never an address."""
    for role in (Role.OPERATOR, Role.SUPPORT):
        if role in account.roles:
            return f"{role}:{account.id}"[:64]
    return f"customer:{account.id}"[:64]


SYSTEM = "system"
