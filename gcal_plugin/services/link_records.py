"""Small steps on rows of a link that several stories share. They take a session, never open one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ..domain.link_state import LinkAction, LinkState, step
from ..store.queries_switching import mark_due
from ..store.tables import Activity, Link
from . import alarms


def move(link: Link, action: LinkAction) -> None:
    """Take one step of the link's life; raises `IllegalStep` and changes nothing."""
    link.state = step(LinkState(link.state), action).value


def works_again(session: Session, link: Link, now: datetime) -> bool:
    """The link works again: whoever was told of the break is told; answers whether anybody was."""
    told = alarms.link_works(session, link, now) > 0
    mended(session, link)
    return told


def mended(session: Session, link: Link) -> None:
    """Forget a break, and take back the letters about it that did not go out."""
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
    """Have the link's forward looked at from `at` on; whoever is at work on it is overtaken."""
    session.flush()
    mark_due(session, [link.id], at)
