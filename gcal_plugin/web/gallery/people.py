"""The made-up account, tenant and clock that the gallery shows its pages to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ...ports import Account, Role, Tenant

ZONE = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 24, 10, 20, tzinfo=ZONE).astimezone(UTC)
"""A Tuesday, mid-morning."""


def at(days: int, clock: str) -> datetime:
    """A time on the wall, `days` from today."""
    hour, minute = (int(part) for part in clock.split(":"))
    day = (NOW.astimezone(ZONE) + timedelta(days=days)).date()
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE).astimezone(UTC)


def account(locale: str) -> Account:
    """Somebody of a bakery."""
    return Account(
        id="1",
        tenant_id="preview",
        email="jan@bakkerij-jansen.example",
        name="Jan Jansen",
        customer_name="Bakkerij Jansen",
        domain="bakkerij-jansen.example",
        roles=frozenset({Role.CUSTOMER, Role.OPERATOR}),
        locale=locale,
    )


def tenant(theme: str, title: str) -> Tenant:
    """A reseller in the theme that is looked at."""
    return Tenant(
        id="preview",
        name=title,
        pbx="main",
        theme=theme,
        support_email="hulp@voorbeeld.example",
        support_phone="085 123 4567",
        rate_text="EUR 0,05 per minuut naar mobiel, EUR 0,02 naar vast",
    )
