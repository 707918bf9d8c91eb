"""A grant's tokens: sealed when stored, found again by what RISC tells, dropped when over."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta

from ..ports import AccessToken
from ..store.crypto import CannotOpen, Keyring, place
from ..store.queries_calendar import GrantTokens
from ..store.tables import Consent, Grant

PREFIX_LENGTH = 16
"""RISC names a refresh token by this many first characters."""
EARLY = timedelta(seconds=30)
"""A token that ends so soon is refreshed now."""


def cached(keyring: Keyring, grant: GrantTokens, now: datetime) -> AccessToken | None:
    """The grant's access token where there is one that still works for a while."""
    if grant.access_token is None or grant.access_expires_at is None:
        return None
    if grant.access_expires_at <= now + EARLY:
        return None
    try:
        value = keyring.open(grant.access_token, place("gcal_grant", grant.id, "access_token"))
    except CannotOpen:
        return None
    return AccessToken(value, grant.access_expires_at, grant.subject, grant.client_id)


def prefix_digest(prefix: str) -> str:
    """The digest under which a token's first characters are indexed; they are not kept."""
    return hashlib.sha256(f"refresh token prefix\0{prefix}".encode()).hexdigest()


def double_hash(token: str) -> str:
    """base64(sha512(sha512(token))), RISC's `hash_base64_sha512_sha512`."""
    return base64.b64encode(
        hashlib.sha512(hashlib.sha512(token.encode()).digest()).digest()
    ).decode()


def put_refresh_token(keyring: Keyring, grant: Grant, token: str) -> None:
    """Store a new refresh token with what finds it again. The grant must have its id."""
    grant.refresh_token = keyring.seal(token, place("gcal_grant", grant.id, "refresh_token"))
    grant.token_prefix = prefix_digest(token[:PREFIX_LENGTH])
    grant.token_hash = double_hash(token)


def put_access_token(keyring: Keyring, grant: Grant, token: str, expires_at: datetime) -> None:
    """Cache an access token, sealed."""
    grant.access_token = keyring.seal(token, place("gcal_grant", grant.id, "access_token"))
    grant.access_expires_at = expires_at


def refresh_token_of(keyring: Keyring, grant: Grant) -> str | None:
    """The refresh token in clear, or None when the grant has none any more."""
    if grant.refresh_token is None:
        return None
    return keyring.open(grant.refresh_token, place("gcal_grant", grant.id, "refresh_token"))


def access_token_of(keyring: Keyring, grant: Grant) -> str | None:
    """The cached access token in clear, or None."""
    if grant.access_token is None:
        return None
    return keyring.open(grant.access_token, place("gcal_grant", grant.id, "access_token"))


def consent_tokens(keyring: Keyring, consent: Consent) -> tuple[str, str]:
    """Refresh and access token of a consent that waits for its confirmation."""
    return (
        keyring.open(consent.refresh_token, place("gcal_consent", consent.id, "refresh_token")),
        keyring.open(consent.access_token, place("gcal_consent", consent.id, "access_token")),
    )


def drop_tokens(grant: Grant) -> None:
    """Forget every token of a grant that is over."""
    grant.refresh_token = grant.access_token = None
    grant.token_prefix = grant.token_hash = None
    grant.access_expires_at = None
