"""An extension becomes linkable, and one day stops being so."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ...domain.link_state import LinkAction, LinkState
from ...store.tables import Link
from ..link_records import note, wants_attention
from ..runtime import Runtime
from .disconnecting import detach
from .errors import ExtensionTaken


def live_link(session: Session, pbx: str, domain: str, extension: str) -> Link | None:
    """The link that drives this line now, whoever's it is."""
    return session.scalar(
        sa.select(Link).where(
            Link.pbx == pbx,
            Link.domain == domain,
            Link.extension == extension,
            Link.ended_at.is_(None),
        )
    )


def add_link(
    rt: Runtime,
    session: Session,
    *,
    tenant_id: str,
    account_id: str,
    domain: str,
    extension: str,
    actor: str,
    pbx: str | None = None,
) -> Link:
    """Make an extension ready to connect, within the caller's transaction.

    Repeating it for the same account answers the link that is there; another's extension raises
    `ExtensionTaken`. An unknown tenant or exchange raises LookupError.
    """
    tenant = rt.portal.tenant(tenant_id)
    if tenant is None:
        raise LookupError(f"the portal has no tenant {tenant_id}")
    name = pbx or tenant.pbx
    if name not in rt.telephony:
        raise LookupError(f"GCAL_TELEPHONY has no exchange {name}")
    held = live_link(session, name, domain, extension)
    if held is not None:
        if (held.tenant_id, held.account_id) != (tenant_id, account_id):
            raise ExtensionTaken
        return held
    now = rt.store.now(session)
    link = Link(
        tenant_id=tenant_id,
        account_id=account_id,
        pbx=name,
        domain=domain,
        extension=extension,
        state=LinkState.READY.value,
        created_at=now,
    )
    session.add(link)
    try:
        session.flush()
    except IntegrityError:
        raise ExtensionTaken from None
    wants_attention(session, link, now)
    session.flush()
    note(session, link, "provisioned", actor, now)
    return link


def provision_link(
    rt: Runtime,
    *,
    tenant_id: str,
    account_id: str,
    domain: str,
    extension: str,
    actor: str,
    pbx: str | None = None,
) -> UUID:
    """`add_link` in a transaction of its own; answers the link's id."""
    with rt.store.begin() as session:
        return add_link(
            rt,
            session,
            tenant_id=tenant_id,
            account_id=account_id,
            domain=domain,
            extension=extension,
            actor=actor,
            pbx=pbx,
        ).id


def end_link(session: Session, link: Link, actor: str, now: datetime) -> UUID | None:
    """End a link for good: its forward ends, connecting is no longer possible.

    Answers the grant that it held, which the caller hands back afterwards (`release`).
    """
    grant_id = link.grant_id
    detach(session, link, LinkAction.END)
    link.ended_at = now
    wants_attention(session, link, now)
    note(session, link, "ended", actor, now)
    return grant_id
