"""The letters of a theme with made-up values, as a reseller's customers and desk get them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

from ...ports import Mail, Portal, Tenant
from ...services import letters
from ...services.runtime import Runtime
from ...store.tables import MailOut
from .people import NOW, at, tenant

PREFIX = "mail-"
KINDS = tuple(f"{PREFIX}{kind}" for kind in sorted(letters.kinds()))
"""The letters' names in the gallery."""

_REQUEST = UUID("0198f0aa-0000-7000-8000-000000000201")
_REASONS = {"limit_desk": "changes_cap"}


@dataclass(frozen=True, slots=True)
class _OneTenant:
    """As much of a portal as a letter needs."""

    shown: Tenant

    def tenant(self, tenant_id: str) -> Tenant:
        return replace(self.shown, id=tenant_id)


def letter(rt: Runtime, theme: str, title: str, locale: str, name: str) -> Mail:
    """One letter in a theme; KeyError for a name that is none of `KINDS`."""
    if name not in KINDS:
        raise KeyError(name)
    kind = name.removeprefix(PREFIX)
    portal = cast("Portal", _OneTenant(tenant(theme, title)))
    row = MailOut(
        key=f"preview:{kind}",
        tenant_id="preview",
        kind=kind,
        locale=locale,
        recipient="jan@bakkerij-jansen.example",
        request_id=_REQUEST,
        values=_values(kind),
        created_at=NOW,
    )
    return letters.render(replace(rt, portal=portal), row)


def _values(kind: str) -> dict[str, Any]:
    return {
        "name": "Jan Jansen",
        "extension": "200",
        "customer_code": "BW1001",
        "customer_name": "Bakkerij Jansen",
        "account_email": "jan@bakkerij-jansen.example",
        "domain": "bakkerij-jansen.example",
        "remarks": "Graag vóór de feestdagen.",
        "note": "We bellen je morgen even.",
        "summary": "Google Calendar Integratie voor één extensie, maandelijks opzegbaar.",
        "rate_text": "EUR 0,05 per minuut naar mobiel, EUR 0,02 naar vast",
        "terms_version": "2026-11",
        "terms_url": "https://voorbeeld.example/voorwaarden",
        "once": "EUR 25,00",
        "once_total": "EUR 30,25",
        "monthly": "EUR 12,50",
        "monthly_total": "EUR 15,13",
        "vat": "21%",
        "valid_until": at(30, "12:00").isoformat(),
        "agreed_at": at(-1, "14:05").isoformat(),
        "ends_at": at(30, "00:00").isoformat(),
        "since": at(0, "08:20").isoformat(),
        "mended_at": at(0, "11:45").isoformat(),
        "day": 0,
        "reason": _REASONS.get(kind, "revoked"),
        "why": "We gaan over op een andere oplossing.",
        "fallback": "+31201234568",
    }
