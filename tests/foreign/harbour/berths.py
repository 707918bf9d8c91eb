"""`Portal` for the harbour: a few questions to one table, in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from flask import g, has_request_context, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

from gcal_plugin import Account, Extension, Role, Tenant

KADE = Tenant(id="kade", name="Telefonie aan de Kade", pbx="seinpost", time_zone="Europe/Brussels")


class BerthPortal:
    """Who has which berth; a berth's number is its extension."""

    def __init__(self, db: SQLAlchemy) -> None:
        self._db = db

    def current_account(self) -> Account | None:
        handle = g.get("skipper") if has_request_context() else None
        return self.account(handle) if handle else None

    def account(self, account_id: str) -> Account | None:
        return self._one("handle = :value", account_id)

    def find_account(self, tenant_id: str, email: str) -> Account | None:
        return self._one("post = :value", email) if tenant_id == KADE.id else None

    def _one(self, where: str, value: str) -> Account | None:
        row = self._db.session.execute(
            text(f"SELECT handle, post, boss FROM skipper WHERE {where}"), {"value": value}
        ).first()
        if row is None:
            return None
        roles = {Role.CUSTOMER} | ({Role.OPERATOR} if row.boss == "ja" else set())
        return Account(
            id=row.handle,
            tenant_id=KADE.id,
            email=row.post,
            domain="kade.example",
            customer_code="H1",
            customer_name="Haven",
            roles=frozenset(roles),
        )

    def tenant(self, tenant_id: str) -> Tenant | None:
        return KADE if tenant_id == KADE.id else None

    def tenants(self) -> Sequence[Tenant]:
        return (KADE,)

    def current_tenant(self) -> Tenant | None:
        return KADE

    def extensions(self, account: Account) -> Sequence[Extension] | None:
        rows = self._db.session.execute(text("SELECT berth FROM skipper ORDER BY berth"))
        return [Extension(row.berth, f"Ligplaats {row.berth}") for row in rows]

    def locale(self) -> str:
        return "nl"

    def login_url(self, next_path: str) -> str:
        return f"{request.script_root}/aanmonsteren/sk-ada?naar={next_path}"

    def settings_url(self) -> str:
        return f"{request.script_root}/"
