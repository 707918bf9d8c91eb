"""What the provider tells of its users' accounts by itself: tokens withdrawn, accounts disabled."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class SecurityNotice:
    """One thing that happened. It names an account, or one token by a part or a digest of it."""

    kind: str
    """The last part of the event's type: `tokens-revoked`, `account-disabled`, ..."""
    subject: str = ""
    token_prefix: str = field(default="", repr=False)
    """The first 16 characters of the refresh token."""
    token_hash: str = field(default="", repr=False)
    """base64(sha512(sha512(refresh token)))."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SecurityMessage:
    """A verified message; `id` is the same when it is sent again."""

    id: str
    notices: tuple[SecurityNotice, ...]
    audiences: frozenset[str]
    """The OAuth clients that it is meant for: what it tells holds for their grants only."""
    issued_at: datetime | None = None
    """When the provider wrote it, which is after what it tells of; None where it does not say."""


class NotGenuine(Exception):
    """The message was not signed by the provider, or is not meant for us."""


class SecurityEvents(Protocol):
    """The provider's stream of security events."""

    def verify(self, token: str, audiences: Collection[str]) -> SecurityMessage:
        """Check who signed a message and for whom; raises `NotGenuine`.

        Also raises `CalendarError` where the provider's keys cannot be had just now.
        """
        ...

    def register(self, address: str) -> None:
        """Have the stream delivered to an address, and switch it on; raises `CalendarError`."""
        ...

    def status(self) -> Mapping[str, Any]:
        """The stream as the provider has it; raises `CalendarError`."""
        ...

    def test(self, state: str) -> None:
        """Have the provider send a verification with this text; raises `CalendarError`."""
        ...
