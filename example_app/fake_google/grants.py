"""Codes, refresh tokens and access tokens: what a grant gives, and how it ends."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass

from .keys import IDENTITY
from .model import AccessToken, Account, Client, Grant, Json
from .server import Server

EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"
_ALIASES = {"email": EMAIL, "profile": PROFILE}  # Google grants the long names
MOST_REFRESH_TOKENS = 100  # per account and client; one more silently kills the oldest
CODE_SECONDS = 600


@dataclass(slots=True)
class Code:
    """An authorization code that waits to be exchanged, once."""

    client_id: str
    email: str
    scopes: list[str]
    redirect_uri: str
    challenge: str
    nonce: str
    refresh: bool
    expires: float


class OAuthError(Exception):
    """A refusal by the token endpoint: `error` and `error_description`, as in RFC 6749."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status

    def body(self) -> Json:
        """The JSON body."""
        return {"error": self.error, "error_description": self.description}


def canonical(scopes: str) -> list[str]:
    """The scopes of a request by the names under which Google grants them, in order."""
    return list(dict.fromkeys(_ALIASES.get(scope, scope) for scope in scopes.split()))


def challenge_of(verifier: str) -> str:
    """PKCE's S256 of a code verifier."""
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).decode().rstrip("=")


def allow(server: Server, account: Account, client: Client, scopes: list[str]) -> Grant:
    """Record that an account allows a client these scopes, beside what it allowed before."""
    known = server.state.grants.get((account.email, client.id))
    grant = known or Grant(account.email, client.id, [])
    grant.scopes = sorted({*grant.scopes, *scopes})
    grant.granted_at = server.state.now().timestamp()
    server.state.save_grant(grant)
    return grant


def new_refresh_token(server: Server, grant: Grant) -> str:
    """One more refresh token; past the limit the oldest dies without a word."""
    token = "1//0" + secrets.token_urlsafe(64)
    while len(grant.refresh_tokens) >= MOST_REFRESH_TOKENS:
        server.state.drop_refresh_token(grant, grant.refresh_tokens[0])
    grant.refresh_tokens.append(token)
    server.state.save_grant(grant)
    return token


def revoke_grant(server: Server, grant: Grant) -> None:
    """Withdraw a grant altogether; the security event stream hears of it."""
    account = server.state.accounts.get(grant.email)
    tokens = list(grant.refresh_tokens)
    server.state.drop_grant(grant)
    for token in tokens:
        server.transmitter.token_event(token)
    if account is not None:
        server.transmitter.account_event("tokens-revoked", account)


def revoke_token(server: Server, token: str) -> None:
    """Revoke by any one token; OAuthError `invalid_token` when it is unknown."""
    key = server.state.refresh_tokens.get(token)
    if key is None and (access := server.state.access_tokens.get(token)):
        key = (access.email, access.client_id)
    grant = server.state.grants.get(key) if key else None
    if grant is None:
        raise OAuthError("invalid_token", "Token expired or revoked")
    revoke_grant(server, grant)


def refresh(server: Server, client: Client, token: str, wanted: str) -> tuple[Grant, AccessToken]:
    """A fresh access token; OAuthError `invalid_grant` when the refresh token is dead."""
    key = server.state.refresh_tokens.get(token)
    grant = server.state.grants.get(key) if key else None
    account = server.state.accounts.get(grant.email) if grant else None
    if grant is None or grant.client_id != client.id or account is None or account.disabled:
        raise OAuthError("invalid_grant", "Token has been expired or revoked.")
    scopes = canonical(wanted) or grant.scopes
    if not set(scopes) <= set(grant.scopes):
        raise OAuthError("invalid_scope", "Some requested scopes were not granted.")
    return grant, server.state.new_access(grant, scopes, server.options.access_seconds)


def identity_token(
    server: Server, account: Account, client: Client, access: AccessToken, nonce: str
) -> str:
    """The id_token of OpenID Connect: who logged in, for which client."""
    now = int(server.state.now().timestamp())
    hashed = hashlib.sha256(access.token.encode()).digest()[:16]
    claims: Json = {
        "iss": server.url,
        "azp": client.id,
        "aud": client.id,
        "sub": account.sub,
        "at_hash": base64.urlsafe_b64encode(hashed).decode().rstrip("="),
        "iat": now,
        "exp": now + 3_600,
    }
    if nonce:
        claims["nonce"] = nonce
    if EMAIL in access.scopes:
        claims |= {"email": account.email, "email_verified": True}
    if PROFILE in access.scopes:
        claims["name"] = account.name
    return server.keys.sign(IDENTITY, claims)
