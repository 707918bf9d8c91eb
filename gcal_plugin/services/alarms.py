"""Letters about a link that cannot do its work, and about limits that bite."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from ..store.tables import Link
from . import outbox
from .runtime import Runtime

BROKEN_DAYS = (0, 1, 3, 7, 14)
"""At once, and again while nobody mends it."""


def link_broken(rt: Runtime, session: Session, link: Link, reason: str, now: datetime) -> None:
    """Tell the owner and the second contact, now and on days 1, 3, 7 and 14.

    `reason` is `revoked`, `gone` or `unreadable`. Call it in the transaction that records the
    break, and `rt.wake.mail()` after it; `link_mended` stops what was not sent yet.
    """
    account = rt.portal.account(link.account_id)
    since = link.broken_at or now
    for place, address in enumerate(
        (account.email if account is not None else "", link.second_contact or "")
    ):
        for day in BROKEN_DAYS if place == 0 else BROKEN_DAYS[:1]:
            if not address:
                continue
            outbox.queue(
                session,
                key=f"link_broken:{link.id}:{since.isoformat()}:{place}:{day}",
                kind="link_broken",
                tenant_id=link.tenant_id,
                recipient=address,
                locale=account.locale if account is not None else "nl",
                now=now,
                not_before=since + timedelta(days=day),
                link_id=link.id,
                name=account.name if account is not None and place == 0 else "",
                extension=link.extension,
                reason=reason,
                since=since.isoformat(),
                day=day,
                fallback=link.fallback_number or "",
            )


def link_mended(session: Session, link: Link) -> int:
    """Take back the reminders of a break that is over; answers how many."""
    return outbox.cancel(session, link_id=link.id, kind="link_broken")


def limit_reached(rt: Runtime, session: Session, link: Link, reason: str, now: datetime) -> None:
    """Tell the tenant, quietly: at most one letter a day for a line and a limit."""
    tenant = rt.portal.tenant(link.tenant_id)
    outbox.queue(
        session,
        key=f"limit:{link.id}:{reason}:{now.date().isoformat()}",
        kind="limit_desk",
        tenant_id=link.tenant_id,
        recipient=(tenant.support_email if tenant else "") or rt.settings.support_email,
        now=now,
        link_id=link.id,
        extension=link.extension,
        domain=link.domain,
        reason=reason,
    )
