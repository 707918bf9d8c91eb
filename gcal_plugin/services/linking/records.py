"""Small steps on rows that every story of linking shares. They take a session, never open one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ...domain.link_state import LinkAction, LinkState, step
from ...store.tables import Activity, Forwarding, Link
from .. import alarms


def move(link: Link, action: LinkAction) -> None:
    """Take one step of the link's life; raises `IllegalStep` and changes nothing."""
    link.state = step(LinkState(link.state), action).value


def mended(session: Session, link: Link) -> None:
    """The link works again: forget the break, and take back the letters about it."""
    if link.broken_at is not None:
        alarms.link_mended(session, link)
    link.broken_at = link.broken_reason = None


def note(session: Session, link: Link, what: str, actor: str, at: datetime, **detail: Any) -> None:
    """Write one line of activity; codes and opaque ids only."""
    session.add(
        Activity(
            link_id=link.id, tenant_id=link.tenant_id, at=at, what=what, actor=actor, detail=detail
        )
    )


def wants_attention(session: Session, link: Link, at: datetime) -> None:
    """Have the link's forward looked at from `at` on, unless it is due sooner already."""
    row = session.get(Forwarding, link.id)
    if row is None:
        row = Forwarding(
            link_id=link.id,
            tenant_id=link.tenant_id,
            pbx=link.pbx,
            domain=link.domain,
            extension=link.extension,
        )
        session.add(row)
    if row.due_at is None or row.due_at > at:
        row.due_at = at
