"""Letters about a link that cannot do its work, and about limits that bite."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..store.tables import Link, MailOut
from . import outbox
from .addressees import account_of, support_of
from .runtime import Runtime
from .switching.effect import falls_back

BROKEN_DAYS = (0, 1, 3, 7, 14)
"""At once, and again while nobody mends it."""


def link_broken(rt: Runtime, session: Session, link: Link, reason: str, now: datetime) -> None:
    """Tell the owner and the second contact, now and on days 1, 3, 7 and 14.

    Where the owner's account is gone, closed or cannot be asked for, and nobody else is named,
    support is told instead, at once and no more: a line that nobody can mend is its business.

    `reason` is `revoked`, `account_disabled`, `gone` or `unreadable`. Call it in the transaction
    that records the break, and `rt.wake.mail()` after it; `link_mended` stops what was not sent.
    """
    account = account_of(rt, link.account_id)
    since = link.broken_at or now
    owner = account.email if account is not None and not account.closed else ""
    desk = ""
    if not owner and not link.second_contact:
        desk = support_of(rt, link.tenant_id)
    for place, address in enumerate((owner or desk, link.second_contact or "")):
        for day in BROKEN_DAYS if place == 0 and owner else BROKEN_DAYS[:1]:
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
                name=account.name if account is not None and owner and place == 0 else "",
                extension=f"{link.extension}@{link.domain}" if desk else link.extension,
                reason=reason,
                since=since.isoformat(),
                day=day,
                fallback=(link.fallback_number or "") if falls_back(link) else "",
            )


def link_mended(session: Session, link: Link) -> int:
    """Take back the reminders of a break that is over; answers how many."""
    return outbox.cancel(session, link_id=link.id, kind="link_broken")


def link_works(session: Session, link: Link, now: datetime) -> int:
    """Tell everybody who was told of the break that it is over; answers how many.

    Once a break, and only to whom a letter about it went out: a break that was mended before its
    first letter left is nobody's news. Call it while `broken_at` still names the break, and
    `rt.wake.mail()` after the commit.
    """
    if link.broken_at is None:
        return 0
    since = link.broken_at.isoformat()
    told = session.scalars(
        sa.select(MailOut)
        .where(
            MailOut.link_id == link.id,
            MailOut.kind == "link_broken",
            MailOut.state.in_(("sent", "sending")),
        )
        .order_by(MailOut.id)
    )
    first = {row.recipient: row for row in reversed(list(told)) if row.values["since"] == since}
    return sum(
        outbox.queue(
            session,
            key=f"link_works:{link.id}:{since}:{place}",
            kind="link_works",
            tenant_id=link.tenant_id,
            recipient=row.recipient,
            locale=row.locale,
            now=now,
            link_id=link.id,
            name=row.values["name"],
            extension=link.extension,
            since=since,
            mended_at=now.isoformat(),
        )
        for place, row in enumerate(sorted(first.values(), key=lambda row: row.id))
    )


def limit_reached(rt: Runtime, session: Session, link: Link, reason: str, now: datetime) -> bool:
    """Tell the tenant, quietly: at most one letter a day for a line and a limit; whether it did."""
    return outbox.queue(
        session,
        key=f"limit:{link.id}:{reason}:{now.date().isoformat()}",
        kind="limit_desk",
        tenant_id=link.tenant_id,
        recipient=support_of(rt, link.tenant_id),
        now=now,
        link_id=link.id,
        extension=link.extension,
        domain=link.domain,
        reason=reason,
    )
