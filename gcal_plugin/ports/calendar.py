"""The calendar's provider: grants, calendars, events, push channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ..domain.schedule import CalendarEvent


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """An OAuth client registered at the provider."""

    id: str
    secret: str = field(repr=False)
    app_name: str = ""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A short-lived token; never logged, never shown."""

    value: str = field(repr=False)
    expires_at: datetime
    subject: str = ""
    """Opaque key of the provider's user, for per-user quota."""
    client_id: str = ""
    tenant_id: str = ""
    """On whose behalf it is used just now, so that the quota stays fair between tenants."""
    urgent: bool = False
    """A person waits at a page: part of the quota is kept for them."""


@dataclass(frozen=True, slots=True)
class GrantedTokens:
    """The answer to a finished consent, or to a refresh."""

    access: AccessToken
    refresh_token: str | None = field(repr=False)
    scopes: frozenset[str]
    subject: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class CalendarInfo:
    """A calendar in the account's list."""

    id: str
    name: str
    time_zone: str
    access_role: str
    primary: bool = False
    owner: str = ""
    """The owner's address where it is somebody else's calendar."""
    colour: str = ""

    @property
    def titles_readable(self) -> bool:
        return self.access_role in {"owner", "writer", "reader", "writerWithoutPrivateAccess"}


@dataclass(frozen=True, slots=True)
class EventsPage:
    """One page of a calendar's events. `next_sync_token` comes on the last page only."""

    events: Sequence[CalendarEvent]
    time_zone: str
    access_role: str
    next_page_token: str | None = None
    next_sync_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """A push channel as the provider granted it."""

    id: str
    resource_id: str
    expires_at: datetime


class CalendarError(Exception):
    """The provider did not do it. `permanent` decides on a retry; `reason` is its stable code.

    A failed fetch never means "no events".
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        status: int | None = None,
        permanent: bool = False,
        retry_after: float | None = None,
        quota: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status
        self.permanent = permanent
        self.retry_after = retry_after
        self.quota = quota
        """True where the fault is a rate limit, so that the governor slows everybody down."""


class GrantRevoked(CalendarError):
    """`invalid_grant`: the person, or Google, withdrew access. Never a mere failure."""

    def __init__(self, message: str = "the grant was revoked") -> None:
        super().__init__(message, reason="invalid_grant", permanent=True)


class SyncTokenExpired(CalendarError):
    """410: forget the token and sync in full; the stored events go on driving meanwhile."""

    def __init__(
        self, message: str = "the sync token is no longer valid", reason: str = ""
    ) -> None:
        super().__init__(message, reason=reason or "fullSyncRequired", status=410)


class PushNotSupported(CalendarError):
    """This calendar never notifies: poll it, and do not ask again."""

    def __init__(self, message: str = "this calendar has no push") -> None:
        super().__init__(message, reason="pushNotSupportedForRequestedResource", permanent=True)


class OAuthPort(Protocol):
    """The provider's authorization server."""

    def authorize_url(
        self,
        client: OAuthClient,
        *,
        redirect_uri: str,
        state: str,
        nonce: str,
        code_verifier: str,
        login_hint: str | None = None,
        locale: str | None = None,
    ) -> str:
        """Where the browser goes: account chooser and consent always shown, offline, PKCE S256."""
        ...

    def exchange(
        self,
        client: OAuthClient,
        *,
        code: str,
        redirect_uri: str,
        code_verifier: str,
        nonce: str,
        issuer: str | None,
    ) -> GrantedTokens:
        """The code for tokens; verifies the id token, the nonce and, where announced, `iss`."""
        ...

    def refresh(self, client: OAuthClient, refresh_token: str) -> GrantedTokens:
        """A new access token; `GrantRevoked` only on `invalid_grant`."""
        ...

    def revoke(self, client: OAuthClient, token: str) -> bool:
        """Withdraw the grant; False where it was already gone."""
        ...

    def required_scopes(self) -> frozenset[str]:
        """The scopes without which nothing works."""
        ...


class CalendarSource(Protocol):
    """The provider's calendars. Every method may raise `CalendarError`."""

    def expect(self, accesses: Sequence[AccessToken]) -> None:
        """Say that a request follows for each of these; sources that count may count at once."""
        ...

    def calendars(self, access: AccessToken) -> list[CalendarInfo]:
        """The account's whole calendar list."""
        ...

    def events(
        self,
        access: AccessToken,
        calendar_id: str,
        *,
        sync_token: str | None = None,
        window: tuple[datetime, datetime] | None = None,
        page_token: str | None = None,
    ) -> EventsPage:
        """One page: a delta (`sync_token`) or a full listing of `window` (never both)."""
        ...

    def watch(
        self, access: AccessToken, calendar_id: str, *, channel_id: str, token: str, address: str
    ) -> ChannelInfo:
        """Open a push channel; the caller has stored the channel's row already."""
        ...

    def stop(self, access: AccessToken, channel_id: str, resource_id: str) -> None:
        """Close a push channel; an unknown one is already closed."""
        ...


Headers = Mapping[str, str]
