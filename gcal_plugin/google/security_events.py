"""Cross-Account Protection (RISC): signed messages verified, and the stream that brings them.

The stream is managed with a service account of the Google project; receiving needs none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from ..ports import CalendarError
from ..ports.security import NotGenuine, SecurityMessage, SecurityNotice
from .errors import from_answer, unreachable
from .metadata import Metadata

_RISC = "https://schemas.openid.net/secevent/risc/event-type/"
_OAUTH = "https://schemas.openid.net/secevent/oauth/event-type/"
WANTED = (
    f"{_RISC}sessions-revoked",
    f"{_RISC}account-disabled",
    f"{_RISC}account-enabled",
    f"{_OAUTH}tokens-revoked",
    f"{_OAUTH}token-revoked",
)
"""What the stream is asked to tell; `verification` comes without asking."""

_PUSH = "https://schemas.openid.net/secevent/risc/delivery-method/push"
_AUDIENCE = "https://risc.googleapis.com/google.identity.risc.v1beta.RiscManagementService"


class GoogleSecurityEvents:
    """`SecurityEvents` on the addresses that the RISC discovery document names."""

    def __init__(
        self,
        metadata: Metadata,
        *,
        service_account: Mapping[str, Any] | None = None,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._metadata = metadata
        self._service_account = service_account
        self._timeout = timeout
        self._clock = clock

    def verify(self, token: str, audiences: Collection[str]) -> SecurityMessage:
        """Signature, issuer and audience. Not `exp`: the event happened, however old it is."""
        issuer = str(self._metadata.document().get("issuer", ""))
        try:
            claims = self._metadata.keys.decode(token).claims
        except (JoseError, ValueError) as error:
            raise NotGenuine(f"not signed by the provider: {type(error).__name__}") from None
        if not issuer or str(claims.get("iss", "")).rstrip("/") != issuer.rstrip("/"):
            raise NotGenuine("another issuer")
        audience = claims.get("aud")
        named = {audience} if isinstance(audience, str) else set(audience or ())
        meant = frozenset(named & set(audiences))
        if not meant:
            raise NotGenuine("meant for another client")
        identity, events = claims.get("jti"), claims.get("events")
        if not isinstance(identity, str) or not identity or not isinstance(events, dict):
            raise NotGenuine("no security event")
        notices = (_notice(kind, event) for kind, event in events.items())
        return SecurityMessage(identity[:255], tuple(notices), meant, _instant(claims.get("iat")))

    def register(self, address: str) -> None:
        """Point the stream at our receiver and switch it on."""
        body = {
            "delivery": {"delivery_method": _PUSH, "url": address},
            "events_requested": list(WANTED),
        }
        self._call("POST", ":update", body)
        self._call("POST", "/status:update", {"status": "enabled"})

    def status(self) -> Mapping[str, Any]:
        """Where the stream goes, what it tells, whether it is on."""
        stream = self._call("GET", "")
        state = self._call("GET", "/status")
        return {**stream, "status": state.get("status", "")}

    def test(self, state: str) -> None:
        """Ask for a verification message; it arrives like any other."""
        self._call("POST", ":verify", {"state": state})

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        url = f"{self._stream()}{path}"
        headers = {"Authorization": f"Bearer {self._own_token()}"}
        try:
            answer = httpx.request(method, url, json=body, headers=headers, timeout=self._timeout)
        except httpx.HTTPError as error:
            raise unreachable(error) from None
        if not answer.is_success:
            raise from_answer(answer.status_code, answer.headers, answer.content)
        try:
            data = answer.json() if answer.content else {}
        except ValueError as error:
            raise unreachable(error) from None
        return data if isinstance(data, dict) else {}

    def _stream(self) -> str:
        """The stream's address. Google's own document names no such endpoint, but its API's root is
        fixed; a document that names one (a stand-in's) is followed."""
        named = self._metadata.document().get("configuration_endpoint")
        if isinstance(named, str) and urlsplit(named).path.endswith("/stream"):
            return named
        return "https://risc.googleapis.com/v1beta/stream"

    def _own_token(self) -> str:
        """A short-lived token that the service account signs for itself."""
        account = self._service_account
        if account is None:
            raise CalendarError(
                "managing the stream needs a service account's key file",
                reason="no_service_account",
                permanent=True,
            )
        now = int(self._clock())
        email = str(account.get("client_email", ""))
        claims = {"iss": email, "sub": email, "aud": _AUDIENCE, "iat": now, "exp": now + 3600}
        header = {"alg": "RS256", "kid": str(account.get("private_key_id", ""))}
        try:
            key = RSAKey.import_key(str(account.get("private_key", "")))
            return jwt.encode(header, claims, key)
        except (JoseError, ValueError) as error:
            raise CalendarError(
                "the service account's key file cannot be used", reason="bad_service_account"
            ) from error


def _instant(seconds: Any) -> datetime | None:
    """An instant of a token's claims; None where it is none."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _notice(kind: str, event: Any) -> SecurityNotice:
    given = event if isinstance(event, dict) else {}
    subject = given.get("subject")
    named = subject if isinstance(subject, dict) else {}
    prefix = named.get("token_identifier_alg") == "prefix"
    token = str(named.get("token", ""))
    return SecurityNotice(
        kind=kind.rpartition("/")[2],
        subject=str(named.get("sub", "")),
        token_prefix=token if prefix else "",
        token_hash="" if prefix else token,
        reason=str(given.get("reason") or given.get("state") or "")[:255],
    )
