"""The request follows its link: linked while a calendar drives it, ready when none does."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from ...domain.request_state import IllegalStep, RequestAction, RequestState, Role
from ...store.tables import Link, Request
from .records import Change, take

log = structlog.get_logger(__name__)


def follow_link(session: Session, link: Link, *, linked: bool, who: str, now: datetime) -> None:
    """Keep the request in step with its link: linked when a calendar drives it, ready when not.

    Called in the transaction that changes the link; a link without a request has nothing to follow.
    """
    row = session.scalar(
        sa.select(Request).where(Request.link_id == link.id, Request.closed_at.is_(None))
    )
    if row is None or (row.state == RequestState.LINKED) is linked:
        return
    action = RequestAction.LINK if linked else RequestAction.UNLINK
    try:
        take(Change(session, row, now), action, Role.SYSTEM, who)
    except IllegalStep:
        log.warning("request_out_of_step", request=str(row.id), state=row.state, linked=linked)
