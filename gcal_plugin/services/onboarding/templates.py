"""Price templates: what a tenant's support picks from when it quotes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ...ports import Account
from ...store import scope
from ...store.scope import NotInReach
from ...store.tables import PriceTemplate
from ..access import actor
from ..guarding import audit
from ..runtime import Runtime
from .errors import WrongFields
from .fields import Fields
from .records import desk_of


@dataclass(frozen=True, slots=True)
class Template:
    """A price template as the quote form offers it."""

    id: UUID
    name: str
    once: Decimal
    monthly: Decimal
    vat: Decimal
    summary: str
    valid_days: int


def price_templates(rt: Runtime, account: Account) -> list[Template]:
    """The templates of the desk's tenant, by name."""
    with rt.store.begin() as session:
        return [
            Template(
                row.id,
                row.name,
                row.once_price,
                row.monthly_price,
                row.vat_percent,
                row.summary,
                row.valid_days,
            )
            for row in session.scalars(scope.price_templates(desk_of(account)))
        ]


def save_template(
    rt: Runtime,
    account: Account,
    *,
    name: str,
    once: str,
    monthly: str,
    vat: str = "21",
    summary: str = "",
    valid_days: str = "30",
) -> UUID:
    """Keep a template under its name, over the one that has it; raises WrongFields."""
    fields = Fields()
    values = {
        "once_price": fields.price("once", once),
        "monthly_price": fields.price("monthly", monthly),
        "vat_percent": fields.percent("vat", vat),
        "summary": fields.lines("summary", summary),
    }
    label = fields.text("name", name, longest=80, required=True)
    days = int(valid_days) if valid_days.isascii() and valid_days.isdigit() else 0
    if not 1 <= days <= 365:
        fields.faults.setdefault("valid_days", "not_a_number_of_days")
    if fields.faults:
        raise WrongFields(fields.faults)
    viewer = desk_of(account)
    try:
        with rt.store.begin() as session:
            row = session.scalar(
                scope.price_templates(viewer).where(
                    PriceTemplate.tenant_id == account.tenant_id, PriceTemplate.name == label
                )
            )
            if row is None:
                row = PriceTemplate(tenant_id=account.tenant_id, name=label)
                session.add(row)
            for key, value in values.items():
                setattr(row, key, value)
            row.valid_days = days
            session.flush()
            audit(session, actor(account), "price_template", f"template:{row.id}", row.tenant_id)
            return row.id
    except IntegrityError:
        raise WrongFields({"name": "taken"}) from None


def remove_template(rt: Runtime, account: Account, template_id: UUID) -> None:
    """Forget a template; quotes made with it stay as they are. NotInReach where there is none."""
    with rt.store.begin() as session:
        row = session.scalar(
            scope.price_templates(desk_of(account)).where(PriceTemplate.id == template_id)
        )
        if row is None:
            raise NotInReach("template")
        audit(
            session, actor(account), "price_template_removed", f"template:{row.id}", row.tenant_id
        )
        session.execute(sa.delete(PriceTemplate).where(PriceTemplate.id == row.id))
