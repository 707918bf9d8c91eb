"""A portal of a few dictionaries: `Portal` without pages, for tests below the web."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gcal_plugin.ports import Account, Extension, Role, Tenant

JAN = Account(
    id="jan",
    tenant_id="bel",
    email="jan@bakkerij.example",
    name="Jan Jansen",
    customer_code="K100",
    customer_name="Bakkerij Jansen",
    domain="bakkerij.example",
)
ANNA = Account(
    id="anna",
    tenant_id="bel",
    email="anna@bakkerij.example",
    name="Anna Jansen",
    customer_code="K100",
    customer_name="Bakkerij Jansen",
    domain="bakkerij.example",
    roles=frozenset({Role.CUSTOMER, Role.CUSTOMER_ADMIN}),
)
PIET = Account(
    id="piet",
    tenant_id="ander",
    email="piet@garage.example",
    domain="garage.example",
    customer_code="G7",
    customer_name="Garage Piet",
)
DESK = Account(
    id="desk", tenant_id="bel", email="desk@bel.example", roles=frozenset({Role.SUPPORT})
)
OPERATOR = Account(
    id="ops", tenant_id="bel", email="ops@bel.example", roles=frozenset({Role.OPERATOR})
)

BEL = Tenant(id="bel", name="Belwinkel", pbx="main", support_email="desk@bel.example")
ANDER = Tenant(id="ander", name="Andere Telecom", pbx="main", support_email="desk@ander.example")

EXTENSIONS = (
    Extension("200", "Receptie", public_numbers=("+31201234567",)),
    Extension("201", "Kantoor"),
    Extension("333", "Werkplaats"),
)


@dataclass
class SmallPortal:
    """Who exists, who is logged in; a test changes either as it likes."""

    people: dict[str, Account] = field(
        default_factory=lambda: {one.id: one for one in (JAN, ANNA, PIET, DESK, OPERATOR)}
    )
    resellers: dict[str, Tenant] = field(default_factory=lambda: {"bel": BEL, "ander": ANDER})
    lines: dict[str, tuple[Extension, ...] | None] = field(default_factory=dict)
    """Extensions by domain; every other domain has `EXTENSIONS`; None is "no list kept"."""
    logged_in: str | None = None
    language: str = "nl"

    def current_account(self) -> Account | None:
        return self.people.get(self.logged_in) if self.logged_in else None

    def account(self, account_id: str) -> Account | None:
        return self.people.get(account_id)

    def find_account(self, tenant_id: str, email: str) -> Account | None:
        return next(
            (a for a in self.people.values() if (a.tenant_id, a.email) == (tenant_id, email)), None
        )

    def tenant(self, tenant_id: str) -> Tenant | None:
        return self.resellers.get(tenant_id)

    def tenants(self) -> Sequence[Tenant]:
        return list(self.resellers.values())

    def current_tenant(self) -> Tenant | None:
        account = self.current_account()
        return self.resellers.get(account.tenant_id) if account else None

    def extensions(self, account: Account) -> Sequence[Extension] | None:
        return self.lines.get(account.domain, EXTENSIONS)

    def locale(self) -> str:
        return self.language

    def login_url(self, next_path: str) -> str:
        return f"/login?next={next_path}"

    def settings_url(self) -> str:
        return "/settings"
