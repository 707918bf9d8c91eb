"""Which letter goes to whom at which step."""

from __future__ import annotations

from typing import Any

from ...domain.money import Price, format_price
from ...store.tables import Request
from .. import outbox
from ..addressees import account_of, support_address, support_of
from ..runtime import Runtime
from .records import Change


def to_customer(rt: Runtime, change: Change, kind: str, event: object, **values: Any) -> None:
    """A letter to the account the request is for, in its language. `event` makes it unique."""
    row = change.row
    account = account_of(rt, row.account_id)
    locale = account.locale if account is not None else "nl"
    outbox.queue(
        change.session,
        key=f"{kind}:{row.id}:{event}",
        kind=kind,
        tenant_id=row.tenant_id,
        recipient=account.email if account is not None else row.account_email,
        locale=locale,
        now=change.now,
        request_id=row.id,
        **request_facts(row, locale),
        name=account.name if account is not None else "",
        **values,
    )


def to_desk(rt: Runtime, change: Change, kind: str, event: object, **values: Any) -> None:
    """A letter to the tenant's support address."""
    row = change.row
    outbox.queue(
        change.session,
        key=f"{kind}:{row.id}:{event}",
        kind=kind,
        tenant_id=row.tenant_id,
        recipient=support_of(rt, row.tenant_id),
        now=change.now,
        request_id=row.id,
        **request_facts(row, "nl"),
        **values,
    )


def request_facts(row: Request, locale: str) -> dict[str, Any]:
    """What every letter about a request can name."""
    facts: dict[str, Any] = {
        "extension": row.extension,
        "customer_code": row.customer_code,
        "customer_name": row.customer_name,
        "account_email": row.account_email,
        "remarks": row.remarks,
        "summary": row.summary,
        "rate_text": row.rate_text,
        "terms_version": row.terms_version or "",
        "valid_until": row.valid_until.isoformat() if row.valid_until else "",
        "agreed_at": row.agreed_at.isoformat() if row.agreed_at else "",
        "ends_at": row.ends_at.isoformat() if row.ends_at else "",
    }
    if row.once_price is not None and row.monthly_price is not None:
        vat = row.vat_percent if row.vat_percent is not None else Price(row.once_price).vat_percent
        once, monthly = Price(row.once_price, vat), Price(row.monthly_price, vat)
        facts |= {
            "once": format_price(once.amount, locale),
            "once_total": once.including(locale),
            "monthly": format_price(monthly.amount, locale),
            "monthly_total": monthly.including(locale),
            "vat": monthly.vat(locale),
        }
    return facts


__all__ = ["request_facts", "support_address", "to_customer", "to_desk"]
