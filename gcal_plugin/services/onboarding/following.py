"""The request follows its link: through its states, and to whoever takes the link over."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from ...domain.request_state import IllegalStep, RequestAction, RequestState, Role
from ...ports import Account
from ...store.tables import Link, Request
from .. import addressees
from ..access import actor
from .records import Change, remember, take

log = structlog.get_logger(__name__)


def follow_link(session: Session, link: Link, *, linked: bool, who: str, now: datetime) -> None:
    """Keep the request in step with its link: linked when a calendar drives it, ready when not.

    Called in the transaction that changes the link; a link without a request has nothing to follow.
    """
    row = _request_of(session, link)
    if row is None or (row.state == RequestState.LINKED) is linked:
        return
    action = RequestAction.LINK if linked else RequestAction.UNLINK
    try:
        take(Change(session, row, now), action, Role.SYSTEM, who)
    except IllegalStep:
        log.warning("request_out_of_step", request=str(row.id), state=row.state, linked=linked)


def follow_owner(
    session: Session, link: Link, account: Account, *, before: str, now: datetime
) -> None:
    """Give the request of a link, and the letters that wait, to the account that has it now.

    `before` is the account id that had it. Without this the letters about the end went to whoever
    left, and erasing that account took away the request of a line that works.
    """
    addressees.of_link(session, link, account)
    row = _request_of(session, link)
    if row is None:
        return
    row.account_id, row.account_email = account.id, account.email
    addressees.of_request(session, row, account)
    remember(Change(session, row, now), "owner_changed", actor(account), before=before)


def _request_of(session: Session, link: Link) -> Request | None:
    found: Request | None = session.scalar(
        sa.select(Request).where(Request.link_id == link.id, Request.closed_at.is_(None))
    )
    return found
