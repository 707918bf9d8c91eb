"""The tables, one file a story. Everything lives on the plugin's own metadata, prefix `gcal_`."""

from __future__ import annotations

from .base import Base
from .calendars import Attempt, Calendar, Channel, Consent, Grant, SecurityEvent, WindowRow
from .guards import Audit, BlockedNumber, TenantState
from .links import Activity, Link
from .requests import MailOut, PriceTemplate, Request, RequestStep
from .switching import Forwarding, Lease, LedgerEntry, Leftover
from .tallies import Tally, TallyMark

__all__ = [
    "Activity",
    "Attempt",
    "Audit",
    "Base",
    "BlockedNumber",
    "Calendar",
    "Channel",
    "Consent",
    "Forwarding",
    "Grant",
    "Lease",
    "LedgerEntry",
    "Leftover",
    "Link",
    "MailOut",
    "PriceTemplate",
    "Request",
    "RequestStep",
    "SecurityEvent",
    "Tally",
    "TallyMark",
    "TenantState",
    "WindowRow",
]
