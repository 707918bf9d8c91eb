"""Addresses for people outside a request: in mails, and in what the command line prints."""

from __future__ import annotations

import hashlib
from uuid import UUID

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from ..ports import Tenant
from .runtime import Runtime

QUOTE_LINK_DAYS = 120
"""How long the link in a quote's mail opens its page; the quote itself may end sooner."""


class LinkExpired(ValueError):
    """The link in a mail is too old. Its page can still be reached by logging in."""


class LinkForged(ValueError):
    """The link in a mail is not one of ours."""


def page_url(rt: Runtime, tenant: Tenant, path: str) -> str:
    """The full address of one of our pages; empty where no public address is known."""
    base = (tenant.public_url or rt.settings.public_url).rstrip("/")
    return f"{base}{rt.url_prefix}{path}" if base else ""


def _serializer(rt: Runtime) -> URLSafeTimedSerializer:
    """Signs with the newest of the encryption keys and accepts the older ones."""
    secrets = [
        hashlib.sha256(f"gcal quote link\0{key}".encode()).digest()
        for key in reversed(rt.settings.encryption_keys)
    ]
    return URLSafeTimedSerializer(secrets, salt="gcal-quote")


def sign_quote(rt: Runtime, request_id: UUID) -> str:
    """A token that opens the page of one request; it grants nothing, whoever opens it logs in."""
    return str(_serializer(rt).dumps(str(request_id)))


def read_quote(rt: Runtime, token: str) -> UUID:
    """The request that a token names; raises LinkExpired or LinkForged."""
    try:
        return UUID(_serializer(rt).loads(token, max_age=QUOTE_LINK_DAYS * 86_400))
    except SignatureExpired:
        raise LinkExpired from None
    except (BadSignature, ValueError, TypeError):
        raise LinkForged from None
