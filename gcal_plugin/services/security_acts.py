"""What a security event asks for: which grants it speaks of, and what becomes of them.

All of it may be done twice.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..ports.security import SecurityMessage, SecurityNotice
from ..store.tables import Calendar, Grant
from . import breaking, grant_tokens
from .runtime import Runtime

_ENDS = {
    "token-revoked": "revoked",
    "tokens-revoked": "revoked",
    "account-disabled": "account_disabled",
}
"""What ends a grant, and the reason that its links get."""
_CHECKS = frozenset({"sessions-revoked", "account-enabled"})
"""What may have ended a grant: it is asked at Google."""
_LATE = timedelta(minutes=5)
"""So much later than what it tells of may a message be written, by a clock that is not ours."""


def act(rt: Runtime, notice: SecurityNotice, message: SecurityMessage) -> str:
    """Do what a notice asks for; answers what was done, for the record."""
    if notice.kind == "verification":
        return f"state {notice.reason}"
    reason = _ENDS.get(notice.kind)
    if reason is None and notice.kind not in _CHECKS:
        return "not ours"
    with rt.store.begin() as session:
        now = rt.store.now(session)
        grants = _grants(session, notice, message.audiences)
        over = [one.id for one in grants if reason and _is_meant(one, notice, message.issued_at)]
        doubtful = [one.id for one in grants if one.id not in over]
        _have_checked(session, doubtful, now)
    for grant_id in over:
        breaking.grant_lost(rt, grant_id, reason or "")
    ended, checking = f"ended {len(over)}", f"checking {len(doubtful)}"
    if reason is None:
        return checking
    return f"{ended}, {checking}" if doubtful else ended


def _is_meant(grant: Grant, notice: SecurityNotice, issued_at: datetime | None) -> bool:
    """Whether a notice is certainly about the tokens that we hold.

    One that names an account may be older than the latest consent, and tell of the grant before it:
    events can come late. What was meant is asked at Google then, and known in a moment.
    """
    if not notice.subject:
        return True  # it names the token itself
    consented_at = grant.consented_at or grant.created_at
    return issued_at is not None and consented_at < issued_at - _LATE


def _grants(session: Session, notice: SecurityNotice, clients: Collection[str]) -> list[Grant]:
    """The grants that a notice speaks of: those of the clients that it was sent to.

    Another reseller's client may have a grant of the same person, who withdrew this one only.
    """
    if notice.token_prefix:
        digest = grant_tokens.prefix_digest(notice.token_prefix)
        named = Grant.token_prefix == digest
    elif notice.token_hash:
        named = Grant.token_hash == notice.token_hash
    elif notice.subject:
        named = Grant.subject == notice.subject
    else:
        return []
    return list(session.scalars(sa.select(Grant).where(named, Grant.client_id.in_(clients))))


def _have_checked(session: Session, grants: list[UUID], now: datetime) -> None:
    """These may still work: forget the cached tokens and fetch, and we shall know."""
    if not grants:
        return
    session.execute(
        sa.update(Grant)
        .where(Grant.id.in_(grants), Grant.state == "live")
        .values(access_token=None, access_expires_at=None)
    )
    session.execute(
        sa.update(Calendar)
        .where(Calendar.grant_id.in_(grants), Calendar.next_sync_at.is_not(None))
        .values(next_sync_at=now)
    )
