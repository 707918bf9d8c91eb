"""One person's data: all of it handed out, or all of it gone.

What is kept of a person is in the tables below and nowhere else; the audit log holds opaque ids
only, so that erasing never touches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..store.tables import (
    Activity,
    Attempt,
    Calendar,
    Consent,
    Forwarding,
    Grant,
    LedgerEntry,
    Link,
    MailOut,
    Request,
    RequestStep,
    WindowRow,
)
from .guarding import audit
from .linking import release
from .linking.provision import end_link
from .linking.withdrawing import withdraw_unconfirmed
from .runtime import Runtime
from .switching import clear_link

_SECRET = frozenset(
    {"refresh_token", "access_token", "token_hash", "token_prefix", "secrets", "session_digest",
     "state_digest", "sync_token"}
)  # fmt: skip


def export_account(rt: Runtime, tenant_id: str, account_id: str) -> dict[str, list[Any]]:
    """Everything stored about an account, by table, as plain values; never a token."""
    with rt.store.begin() as session:
        queries = _queries(tenant_id, account_id, _link_ids(session, tenant_id, account_id))
        return {
            table.__tablename__: [_plain(row) for row in session.scalars(query)]
            for table, query in queries.items()
        }


def erase_account(
    rt: Runtime, tenant_id: str, account_id: str, *, actor: str, address: str = ""
) -> dict[str, int]:
    """End the account's links, withdraw access at Google, delete every row; answers counts.

    The forward on the exchange is cleared first; a line whose exchange does not answer keeps its
    row until it does (counted as `pending`: run it again). Letters to `address` go too; without it
    the portal is asked for the account's own.
    """
    account = rt.portal.account(account_id)
    if account is not None and account.tenant_id == tenant_id:
        address = address or account.email
    grants, pending = _end_links(rt, tenant_id, account_id, actor)
    for grant_id in grants:
        release(rt, grant_id)
    withdraw_unconfirmed(rt)
    with rt.store.begin() as session:
        every = _link_ids(session, tenant_id, account_id)
        links = [one for one in every if one not in pending]
        queries = _queries(tenant_id, account_id, links, address)
        counts = {table.__tablename__: 0 for table in queries}
        if address:
            session.execute(
                sa.update(Link)
                .where(Link.tenant_id == tenant_id)
                .where(sa.func.lower(Link.second_contact) == address.lower())
                .values(second_contact=None, version=Link.version + 1)
            )
        for table, query in queries.items():
            if table in {Grant, Calendar, WindowRow}:
                continue
            keys = sa.inspect(table).primary_key
            wanted = query.with_only_columns(*keys).order_by(None).subquery()
            done = session.execute(
                sa.delete(table)
                .where(sa.tuple_(*keys).in_(sa.select(wanted)))
                .execution_options(synchronize_session=False)
            )
            counts[table.__tablename__] = done.rowcount  # type: ignore[attr-defined]  # a cursor
        audit(
            session, actor, "privacy_erase", f"account:{account_id}", tenant_id,
            rows=sum(counts.values()), grants=len(grants),
        )  # fmt: skip
        return counts | {"pending": len(pending)}


def _end_links(
    rt: Runtime, tenant_id: str, account_id: str, actor: str
) -> tuple[list[UUID], frozenset[UUID]]:
    """End what lives, clear the exchange; answers grants to hand back, and lines not clear yet."""
    with rt.store.begin() as session:
        now = rt.store.now(session)
        rows = session.scalars(
            sa.select(Link).where(
                Link.tenant_id == tenant_id, Link.account_id == account_id, Link.ended_at.is_(None)
            )
        ).all()
        grants = {end_link(session, link, actor, now) for link in rows}
        ended = [link.id for link in rows]
        # An ended line that still waits for its exchange: an earlier run could not clear it.
        waiting = session.scalars(
            sa.select(Link.id)
            .join(Forwarding, Forwarding.link_id == Link.id)
            .where(
                Link.tenant_id == tenant_id,
                Link.account_id == account_id,
                Link.ended_at.is_not(None),
                Forwarding.due_at.is_not(None),
            )
        ).all()
    pending = frozenset(one for one in {*ended, *waiting} if not clear_link(rt, one))
    return [grant_id for grant_id in grants if grant_id is not None], pending


def _link_ids(session: Session, tenant_id: str, account_id: str) -> list[UUID]:
    return list(
        session.scalars(
            sa.select(Link.id).where(Link.tenant_id == tenant_id, Link.account_id == account_id)
        )
    )


def _queries(
    tenant_id: str, account_id: str, links: list[UUID], address: str = ""
) -> Mapping[Any, Any]:
    """What belongs to an account, in the order in which it can be deleted."""
    mine = sa.select(Request.id).where(
        Request.tenant_id == tenant_id, Request.account_id == account_id
    )
    calendars = sa.select(Link.calendar_id).where(Link.id.in_(links))
    grants = sa.select(Link.grant_id).where(Link.id.in_(links))
    letters: list[sa.ColumnElement[bool]] = [
        MailOut.link_id.in_(links),
        MailOut.request_id.in_(mine),
    ]
    if address:
        letters.append(sa.func.lower(MailOut.recipient) == address.lower())
    return {
        RequestStep: sa.select(RequestStep).where(RequestStep.request_id.in_(mine)),
        MailOut: sa.select(MailOut).where(MailOut.tenant_id == tenant_id, sa.or_(*letters)),
        Request: sa.select(Request).where(Request.id.in_(mine)),
        Activity: sa.select(Activity).where(Activity.link_id.in_(links)),
        LedgerEntry: sa.select(LedgerEntry).where(LedgerEntry.link_id.in_(links)),
        Forwarding: sa.select(Forwarding).where(Forwarding.link_id.in_(links)),
        Attempt: sa.select(Attempt).where(
            Attempt.tenant_id == tenant_id, Attempt.account_id == account_id
        ),
        Consent: sa.select(Consent).where(Consent.link_id.in_(links)),
        WindowRow: sa.select(WindowRow).where(WindowRow.calendar_id.in_(calendars)),
        Calendar: sa.select(Calendar).where(Calendar.id.in_(calendars)),
        Grant: sa.select(Grant).where(Grant.id.in_(grants)),
        Link: sa.select(Link).where(Link.id.in_(links)),
    }


def _plain(row: Any) -> dict[str, Any]:
    return {
        column.key: _value(getattr(row, column.key))
        for column in sa.inspect(type(row)).column_attrs
        if column.key not in _SECRET
    }


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    return value
