"""The reference implementation of `gcal_plugin.Portal`: who is logged in, what is theirs.

Every method is one small question about the portal's own tables. Copy this file and answer the
questions from yours.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from flask import g, has_request_context, request, session, url_for
from flask_login import current_user
from sqlalchemy import select

from gcal_plugin import Account, Extension, ExtensionKind, Role, Tenant

from .database import db
from .models import ExtensionRow, User

TENANTS = {
    "belwinkel": Tenant(
        id="belwinkel",
        name="Belwinkel",
        pbx="main",
        theme="belwinkel",
        support_email="support@belwinkel.example",
        support_phone="085 123 4567",
        rate_text="EUR 0,02 per minuut naar vast, EUR 0,05 per minuut naar mobiel",
        terms_version="2026-11",
    ),
    "havenstem": Tenant(
        id="havenstem",
        name="Havenstem",
        pbx="main",
        theme="havenstem",
        support_email="hulp@havenstem.example",
        support_phone="085 765 4321",
        rate_text="EUR 0,03 per minuut naar vast, EUR 0,06 per minuut naar mobiel",
        terms_version="4",
    ),
}
HOSTS = {"belwinkel.localhost": "belwinkel", "havenstem.localhost": "havenstem"}
"""Each reseller's own host name; every other name shows the first reseller."""
LANGUAGES = ("nl", "en")


class DemoPortal:
    """`Portal` on this example's users, customers and extensions."""

    def current_account(self) -> Account | None:
        return _account(current_user) if isinstance(current_user, User) or _logged_in() else None

    def account(self, account_id: str) -> Account | None:
        user = db.session.get(User, int(account_id)) if account_id.isdigit() else None
        return _account(user) if user is not None else None

    def find_account(self, tenant_id: str, email: str) -> Account | None:
        user = db.session.scalar(
            select(User).where(User.tenant_id == tenant_id, User.email == email.strip().lower())
        )
        return _account(user) if user is not None else None

    def tenant(self, tenant_id: str) -> Tenant | None:
        return TENANTS.get(tenant_id)

    def tenants(self) -> Sequence[Tenant]:
        return list(TENANTS.values())

    def current_tenant(self) -> Tenant | None:
        account = self.current_account()
        if account is not None:
            return TENANTS[account.tenant_id]
        return TENANTS[HOSTS.get(request.host.partition(":")[0], "belwinkel")]

    def extensions(self, account: Account) -> Sequence[Extension] | None:
        kept: dict[str, list[Extension]] = g.setdefault("portal_extensions", {})
        if account.domain not in kept:
            kept[account.domain] = _extensions(account.domain)
        return kept[account.domain]

    def locale(self) -> str:
        if not has_request_context():
            return "nl"
        chosen = session.get("language")
        if chosen in LANGUAGES:
            return str(chosen)
        if _logged_in():
            return str(current_user.locale)
        return request.accept_languages.best_match(LANGUAGES) or "nl"

    def login_url(self, next_path: str) -> str:
        return f"{url_for('portal.login')}?next={quote(next_path, safe='/')}"

    def settings_url(self) -> str:
        return url_for("portal.settings")


def _logged_in() -> bool:
    return has_request_context() and bool(current_user.is_authenticated)


def _account(user: User) -> Account:
    customer = user.customer
    return Account(
        id=str(user.id),
        tenant_id=user.tenant_id,
        email=user.email,
        name=user.name,
        customer_code=customer.code if customer else "",
        customer_name=customer.name if customer else "",
        domain=customer.domain if customer else "",
        roles=frozenset(Role(name) for name in user.roles.split()),
        locale=user.locale,
        closed=user.closed,
    )


def _extensions(domain: str) -> list[Extension]:
    from .models import Customer

    rows = db.session.scalars(
        select(ExtensionRow)
        .join(Customer, ExtensionRow.customer_id == Customer.id)
        .where(Customer.domain == domain)
        .order_by(ExtensionRow.number)
    )
    return [
        Extension(
            number=row.number,
            name=row.name,
            kind=ExtensionKind(row.kind),
            public_numbers=(row.public_number,) if row.public_number else (),
        )
        for row in rows
    ]
