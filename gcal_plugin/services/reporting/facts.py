"""The link itself, as the status page shows it."""

from __future__ import annotations

from ...domain.destination import Destination
from ...ports import Account, ExtensionKind, Tenant
from ...store.tables import Calendar, Grant, Link
from ..runtime import Runtime
from .models import CalendarFacts, DestinationView, LinkFacts
from .names import Names


def link_facts(
    rt: Runtime, account: Account, tenant: Tenant, link: Link, names: Names, *, paused: bool
) -> LinkFacts:
    """The extension, the Google account, the calendar and the customer's own choices."""
    grant, calendar = link.grant, link.calendar
    extension = names.by_number.get(link.extension)
    return LinkFacts(
        id=link.id,
        extension=link.extension,
        name=extension.name if extension else "",
        kind=extension.kind if extension else ExtensionKind.PHONE,
        mine=link.account_id == account.id,
        email=grant.email if grant else "",
        granted_at=grant.created_at if grant else None,
        linked_at=link.linked_at,
        calendar=None if calendar is None else _calendar(rt, calendar),
        paused=paused,
        paused_until=link.paused_until if paused else None,
        stale_choice=link.stale_choice,
        fallback=_fallback(link, names),
        second_contact=link.second_contact or "",
        ends_at=link.ends_at,
        app_name=_app_name(rt, tenant, grant),
    )


def _calendar(rt: Runtime, calendar: Calendar) -> CalendarFacts:
    return CalendarFacts(
        name=calendar.name,
        google_id=calendar.google_id,
        owner=calendar.owner,
        time_zone=calendar.time_zone,
        access_role=calendar.access_role,
        synced_at=calendar.synced_at,
        push=calendar.push_state == "open",
        poll_seconds=rt.settings.poll_seconds,
    )


def _fallback(link: Link, names: Names) -> DestinationView | None:
    """What was chosen; one that is no number any more counts as none, as it does in switching."""
    try:
        return names.of_destination(Destination.parse(link.fallback_number or ""))
    except ValueError:
        return None


def _app_name(rt: Runtime, tenant: Tenant, grant: Grant | None) -> str:
    """The name under which the customer finds us at myaccount.google.com."""
    client = rt.oauth_client(tenant)
    if grant is not None and grant.client_id != client.id:
        client = rt.default_client
    return client.app_name or rt.settings.google_app_name
