"""What the local Google remembers: accounts, calendars, events, grants, tokens, channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
ROLES = ("none", "freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")
WRITING_ROLES = ("writerWithoutPrivateAccess", "writer", "owner")
DETAIL_ROLES = ("writer", "owner")


@dataclass(slots=True)
class ListEntry:
    """One calendar on an account's calendar list."""

    seq: int
    primary: bool = False
    hidden: bool = False
    selected: bool = True
    deleted: bool = False
    summary_override: str = ""


@dataclass(slots=True)
class Account:
    """A person's Google account; `sub` never changes, the address is the key here."""

    email: str
    sub: str
    name: str
    time_zone: str = "Europe/Amsterdam"
    disabled: bool = False
    list_seq: int = 0
    list_epoch: int = 0
    entries: dict[str, ListEntry] = field(default_factory=dict)


@dataclass(slots=True)
class StoredEvent:
    """An event, series or exception in Google's own shape, and the change that last touched it.

    `gone` holds instances that an edit of the series took away: (original start key, change).
    """

    body: Json
    seq: int
    gone: list[tuple[str, int]] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The event id, unique within its calendar."""
        return str(self.body["id"])

    @property
    def cancelled(self) -> bool:
        """Whether only a tombstone is left."""
        return self.body.get("status") == "cancelled"


@dataclass(slots=True)
class Calendar:
    """A calendar with its readers; `events` is kept in the order of the last change."""

    id: str
    summary: str
    time_zone: str
    owner: str = ""
    description: str = ""
    acl: dict[str, str] = field(default_factory=dict)
    push: bool = True
    seq: int = 0
    epoch: int = 0
    meta_seq: int = 0
    events: dict[str, StoredEvent] = field(default_factory=dict)
    exceptions: dict[str, set[str]] = field(default_factory=dict)

    def role(self, email: str) -> str:
        """The account's access role here; `none` where it has no access."""
        return self.acl.get(email) or self.acl.get("*", "none")


@dataclass(slots=True)
class Client:
    """A registered OAuth client and where it may send people back to."""

    id: str
    secret: str
    name: str
    redirect_uris: list[str] = field(default_factory=list)
    loopback: bool = False
    require_pkce: bool = True


@dataclass(slots=True)
class Grant:
    """What one account allowed one client; its refresh tokens, oldest first."""

    email: str
    client_id: str
    scopes: list[str]
    refresh_tokens: list[str] = field(default_factory=list)
    granted_at: float = 0.0


@dataclass(slots=True)
class AccessToken:
    """A bearer token; `expires` is in seconds since 1970."""

    token: str
    email: str
    client_id: str
    scopes: list[str]
    expires: float


@dataclass(slots=True)
class Channel:
    """A push channel on one calendar's events, or (`calendar` empty) on a calendar list."""

    id: str
    email: str
    client_id: str
    calendar: str
    address: str
    token: str
    resource_id: str
    resource_uri: str
    expires: float
    number: int = 0
