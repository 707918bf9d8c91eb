"""Cross-Account Protection: security events as signed tokens, POSTed to the one stream."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, Any

from .keys import SECURITY, Keys
from .model import Account, Json

if TYPE_CHECKING:
    from .options import Options
    from .push import Pusher
    from .state import State

RISC = "https://schemas.openid.net/secevent/risc/event-type/"
OAUTH = "https://schemas.openid.net/secevent/oauth/event-type/"
EVENT_TYPES = {
    "sessions-revoked": RISC + "sessions-revoked",
    "tokens-revoked": OAUTH + "tokens-revoked",
    "token-revoked": OAUTH + "token-revoked",
    "account-disabled": RISC + "account-disabled",
    "account-enabled": RISC + "account-enabled",
    "account-credential-change-required": RISC + "account-credential-change-required",
    "verification": RISC + "verification",
}


class Transmitter:
    """Makes and sends security event tokens; `issuer` keeps the trailing slash Google's has."""

    def __init__(self, state: State, keys: Keys, pusher: Pusher, options: Options) -> None:
        self._state = state
        self._keys = keys
        self._pusher = pusher
        self._options = options
        self.sent: list[Json] = []

    @property
    def issuer(self) -> str:
        """Who signs."""
        return self._options.public_url.rstrip("/") + "/"

    @property
    def stream(self) -> Json:
        """The stream's configuration; empty before anybody has set one up."""
        stream: Json = self._state.values.get("risc:stream", {})
        return stream

    def account_subject(self, account: Account) -> Json:
        """Names a whole account."""
        return {"subject": {"subject_type": "iss-sub", "iss": self.issuer, "sub": account.sub}}

    @staticmethod
    def token_subject(token: str, algorithm: str = "hash_base64_sha512_sha512") -> Json:
        """Names one refresh token, by its first 16 characters or by its double hash."""
        named = token[:16]
        if algorithm != "prefix":
            twice = hashlib.sha512(hashlib.sha512(token.encode()).digest()).digest()
            named = base64.b64encode(twice).decode()
        return {
            "subject": {
                "subject_type": "oauth_token",
                "token_type": "refresh_token",
                "token_identifier_alg": algorithm,
                "token": named,
            }
        }

    def account_event(self, name: str, account: Account, **details: Any) -> None:
        """Tell of something that happened to a whole account."""
        self.emit(name, {**self.account_subject(account), **details})

    def token_event(self, token: str) -> None:
        """Tell that one refresh token was revoked."""
        self.emit("token-revoked", self.token_subject(token))

    def emit(self, name: str, event: Json) -> None:
        """Send one event if the stream is on and wants that kind."""
        wanted = self.stream.get("events_requested", [])
        if self._state.values.get("risc:status") != "enabled":
            return
        if name == "verification" or EVENT_TYPES[name] in wanted:
            self.send(self.sign({EVENT_TYPES[name]: event}))

    def sign(self, events: Json, **changes: Any) -> str:
        """A security event token; `changes` replace claims (`kid` the header's key id)."""
        header = {"kid": changes.pop("kid")} if "kid" in changes else {}
        audience = sorted(self._state.clients)
        claims = {
            "iss": self.issuer,
            "aud": audience[0] if len(audience) == 1 else audience,
            "iat": int(self._state.now().timestamp()),
            "jti": secrets.token_urlsafe(16),
            "events": events,
        }
        return self._keys.sign(SECURITY, {**claims, **changes}, **header)

    def send(self, token: str) -> None:
        """POST a token to the stream's receiver, beside the answers."""
        address = self.stream.get("delivery", {}).get("url", "")
        if address:
            self._pusher.spawn(self._send(address, token))

    async def _send(self, address: str, token: str) -> None:
        headers = {"Content-Type": "application/secevent+jwt", "Accept": "application/json"}
        status = await self._pusher.post(address, headers, token.encode())
        self.sent.append({"status": status, "token": token})
        del self.sent[:-1_000]
