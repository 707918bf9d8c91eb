"""Security events: what Google tells of its users' accounts, and what we do about it, once."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..ports import CalendarError
from ..ports.security import NotGenuine, SecurityEvents, SecurityNotice
from ..store.tables import Calendar, Grant, SecurityEvent
from . import breaking, grant_tokens
from .runtime import Runtime

log = logging.getLogger(__name__)

HOOK_PATH = "/hooks/google-security"
PORT = "security_events"
"""The name under which the runtime's `extras` keep the port."""

ACCEPTED, REFUSED, LATER = 202, 400, 503
_LONGEST = 64 * 1024

_ENDS = {
    "token-revoked": "revoked",
    "tokens-revoked": "revoked",
    "account-disabled": "account_disabled",
}
"""What ends a grant, and the reason that its links get."""


def handle_security_event(rt: Runtime, body: bytes) -> int:
    """A posted message -> the status to answer: 202 taken, 400 not genuine, 503 come again."""
    port = _port(rt)
    if port is None or not body or len(body) > _LONGEST:
        return REFUSED
    try:
        message = port.verify(body.decode("ascii").strip(), _audiences(rt))
    except (NotGenuine, UnicodeDecodeError):
        return REFUSED
    except CalendarError as error:
        log.warning("a security event could not be verified: %s", error.reason)
        return LATER
    for place, notice in enumerate(message.notices):
        identity = message.id if place == 0 else f"{message.id[:240]}#{place}"
        if _first_time(rt, identity, notice.kind):
            _act(rt, identity, notice, message.audiences)
    return ACCEPTED


def register(rt: Runtime) -> str:
    """Have Google deliver to our receiver; answers its address."""
    address = f"{rt.settings.public_url}{rt.url_prefix}{HOOK_PATH}"
    if not rt.settings.public_url:
        raise CalendarError(
            "GCAL_PUBLIC_URL is not set, so Google has no address to deliver to",
            reason="no_public_url",
            permanent=True,
        )
    _needed(rt).register(address)
    return address


def status(rt: Runtime) -> Mapping[str, Any]:
    """The stream as Google has it, and the last message that we took."""
    found = dict(_needed(rt).status())
    with rt.store.begin() as session:
        last = session.execute(
            sa.select(SecurityEvent.received_at, SecurityEvent.kind)
            .order_by(SecurityEvent.received_at.desc())
            .limit(1)
        ).one_or_none()
    found["last_received_at"] = None if last is None else last.received_at.isoformat()
    found["last_kind"] = None if last is None else last.kind
    return found


def test(rt: Runtime) -> str:
    """Ask Google for a verification message; answers the text that it will carry."""
    state = secrets.token_hex(8)
    _needed(rt).test(state)
    return state


def _port(rt: Runtime) -> SecurityEvents | None:
    return cast("SecurityEvents | None", rt.extras.get(PORT))


def _needed(rt: Runtime) -> SecurityEvents:
    port = _port(rt)
    if port is None:
        raise CalendarError("security events are not set up", reason="no_security_events")
    return port


def _audiences(rt: Runtime) -> set[str]:
    clients = {tenant.oauth_client for tenant in rt.portal.tenants()}
    ours = {client.id for client in clients if client is not None}
    return ours | {rt.settings.google_client_id}


def _first_time(rt: Runtime, identity: str, kind: str) -> bool:
    """Note the message; False where it was taken before."""
    try:
        with rt.store.begin() as session:
            if session.get(SecurityEvent, identity) is not None:
                return False
            session.add(
                SecurityEvent(
                    jti=identity,
                    kind=kind[:64],
                    received_at=rt.store.now(session),
                    outcome="taken",
                )
            )
    except IntegrityError:
        return False
    return True


def _act(rt: Runtime, identity: str, notice: SecurityNotice, clients: Collection[str]) -> None:
    try:
        outcome = _outcome(rt, notice, clients)
    except BaseException:
        # It must be possible to send it again: what we did not do, we did not take.
        with rt.store.begin() as session:
            session.execute(sa.delete(SecurityEvent).where(SecurityEvent.jti == identity))
        raise
    with rt.store.begin() as session:
        session.execute(
            sa.update(SecurityEvent)
            .where(SecurityEvent.jti == identity)
            .values(outcome=outcome[:64])
        )


def _outcome(rt: Runtime, notice: SecurityNotice, clients: Collection[str]) -> str:
    """Do what a notice asks for; answers what was done, for the record."""
    with rt.store.begin() as session:
        grants = _grants(session, notice, clients)
        if notice.kind in {"sessions-revoked", "account-enabled"}:
            count = _have_checked(session, grants, rt.store.now(session))
            return f"checking {count}"
    if notice.kind == "verification":
        return f"state {notice.reason}"
    reason = _ENDS.get(notice.kind)
    if reason is None:
        return "not ours"
    for grant_id in grants:
        breaking.grant_lost(rt, grant_id, reason)
    return f"ended {len(grants)}"


def _grants(session: Session, notice: SecurityNotice, clients: Collection[str]) -> list[UUID]:
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
    return list(session.scalars(sa.select(Grant.id).where(named, Grant.client_id.in_(clients))))


def _have_checked(session: Session, grants: list[UUID], now: datetime) -> int:
    """The grant may still work: forget the cached token and fetch, and we shall know."""
    if not grants:
        return 0
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
    return len(grants)
