"""Security events: what Google tells of its users' accounts, and what we do about it, once."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ..ports import CalendarError
from ..ports.security import NotGenuine, SecurityEvents
from ..store.tables import SecurityEvent
from .runtime import Runtime
from .security_acts import act

log = logging.getLogger(__name__)

HOOK_PATH = "/hooks/google-security"
PORT = "security_events"
"""The name under which the runtime's `extras` keep the port."""

ACCEPTED, REFUSED, LATER = 202, 400, 503
_LONGEST = 64 * 1024

_TAKEN = "taken"
"""The outcome of a message that was noted and not acted on to the end."""


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
        if _is_to_be_done(rt, identity, notice.kind):
            _done(rt, identity, act(rt, notice, message))
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


def _is_to_be_done(rt: Runtime, identity: str, kind: str) -> bool:
    """Note the message; False where it was acted on before.

    One that was noted, and not acted on to the end, is done when it is sent again: what it asks for
    may be done twice.
    """
    try:
        with rt.store.begin() as session:
            known = session.get(SecurityEvent, identity)
            if known is not None:
                return known.outcome == _TAKEN
            session.add(
                SecurityEvent(
                    jti=identity,
                    kind=kind[:64],
                    received_at=rt.store.now(session),
                    outcome=_TAKEN,
                )
            )
    except IntegrityError:
        return False  # it came twice at once, and the other one acts on it
    return True


def _done(rt: Runtime, identity: str, outcome: str) -> None:
    with rt.store.begin() as session:
        session.execute(
            sa.update(SecurityEvent)
            .where(SecurityEvent.jti == identity)
            .values(outcome=outcome[:64])
        )
