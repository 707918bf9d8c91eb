"""To whom a letter goes that was written a while ago: its person may have changed meanwhile."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..ports import Account, Tenant
from ..store.tables import Link, MailOut, Request
from .portal_calls import asked
from .runtime import Runtime


def support_address(rt: Runtime, tenant: Tenant | None) -> str:
    """Where a tenant's support reads its mail."""
    return (tenant.support_email if tenant is not None else "") or rt.settings.support_email


def account_of(rt: Runtime, account_id: str) -> Account | None:
    """The account that a letter is for; None where there is none, or the portal breaks on it.

    What happens to a line never waits until the portal knows whom to tell.
    """
    return asked(lambda: rt.portal.account(account_id), None)


def support_of(rt: Runtime, tenant_id: str) -> str:
    """Where the support of a tenant reads its mail; ours where the portal breaks on the tenant."""
    return support_address(rt, asked(lambda: rt.portal.tenant(tenant_id), None))


def of_link(session: Session, link: Link, account: Account) -> None:
    """Give the letters about a link that wait for its owner to the one who has it now.

    What waits for the second contact or for the desk stays theirs. That it works again is told to
    whoever was told that it did not.
    """
    _hand_over(session, MailOut.link_id == link.id, account)


def of_request(session: Session, row: Request, account: Account) -> None:
    """The same for the letters about a request."""
    _hand_over(session, MailOut.request_id == row.id, account)


def address_now(rt: Runtime, session: Session, letter: MailOut) -> str:
    """Where a letter should go by now; where it went before, if nobody better is known."""
    if letter.kind.endswith("_desk"):
        return support_of(rt, letter.tenant_id) or letter.recipient
    row: Request | Link | None = None
    if letter.request_id is not None:
        row = session.get(Request, letter.request_id)
    elif letter.link_id is not None:
        row = session.get(Link, letter.link_id)
    if isinstance(row, Link) and not _for_owner(letter):
        return (letter.kind == "link_broken" and row.second_contact) or letter.recipient
    account = account_of(rt, row.account_id) if row is not None else None
    if account is None or account.closed:
        return letter.recipient
    return account.email or letter.recipient


def _hand_over(session: Session, which: sa.ColumnElement[bool], account: Account) -> None:
    for letter in session.scalars(sa.select(MailOut).where(which, MailOut.state == "waiting")):
        if not _for_owner(letter):
            continue
        letter.recipient, letter.locale = account.email, account.locale
        letter.values = letter.values | {"name": account.name}


def _for_owner(letter: MailOut) -> bool:
    """Whether a letter is for the account: neither the desk's nor the second contact's."""
    if letter.kind == "link_broken":
        return letter.key.rsplit(":", 2)[-2] == "0"
    return letter.kind != "link_works" and not letter.kind.endswith("_desk")
