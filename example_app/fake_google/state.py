"""Everything the server knows, in memory, written through to its storage.

The server is one asyncio loop, so nothing here needs a lock.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from .clock import Clock
from .model import (
    AccessToken,
    Account,
    Calendar,
    Channel,
    Client,
    Grant,
    Json,
    ListEntry,
    StoredEvent,
)
from .storage import Storage


class State:
    """The collections, and the only code that writes them to storage."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self.storage = storage
        self.clock = clock
        self.changed: Callable[[Calendar], None] = lambda calendar: None
        self._empty()
        loose: list[tuple[str, Json]] = []  # events wait until every calendar is there
        for kind, key, body in storage.load():
            if kind == "event":
                loose.append((key, body))
            else:
                self._restore(kind, key, body)
        self._order(loose)

    def _empty(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.calendars: dict[str, Calendar] = {}
        self.clients: dict[str, Client] = {}
        self.grants: dict[tuple[str, str], Grant] = {}
        self.refresh_tokens: dict[str, tuple[str, str]] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.channels: dict[str, Channel] = {}
        self.values: dict[str, Any] = {}

    def clear(self) -> None:
        """Forget everything except the signing keys."""
        keys = {name: value for name, value in self.values.items() if name.startswith("key:")}
        self.storage.clear()
        self._empty()
        for name, value in keys.items():
            self.set_value(name, value)

    # -- restoring ---------------------------------------------------------------------------

    def _restore(self, kind: str, key: str, body: Any) -> None:
        if kind == "account":
            entries = {name: ListEntry(**entry) for name, entry in body.pop("entries").items()}
            self.accounts[key] = Account(**body, entries=entries)
        elif kind == "calendar":
            self.calendars[key] = Calendar(**body)
        elif kind == "client":
            self.clients[key] = Client(**body)
        elif kind == "grant":
            self._index_grant(Grant(**body))
        elif kind == "access":
            self.access_tokens[key] = AccessToken(**body)
        elif kind == "channel":
            self.channels[key] = Channel(**body)
        else:
            self.values[key] = body

    def _order(self, loose: list[tuple[str, Json]]) -> None:
        for key, stored in sorted(loose, key=lambda pair: int(pair[1]["seq"])):
            calendar = self.calendars[key.split("\n")[0]]
            gone = [(str(name), int(seq)) for name, seq in stored["gone"]]
            self._index_event(calendar, StoredEvent(stored["body"], stored["seq"], gone))

    # -- accounts and calendars --------------------------------------------------------------

    def save_account(self, account: Account) -> None:
        """Remember an account as it is now."""
        self.accounts[account.email] = account
        body = {name: getattr(account, name) for name in account.__slots__}
        body["entries"] = {name: asdict(entry) for name, entry in account.entries.items()}
        self.storage.put("account", account.email, body)

    def save_calendar(self, calendar: Calendar) -> None:
        """Remember a calendar's own data (its events are stored one by one)."""
        self.calendars[calendar.id] = calendar
        body = {
            name: getattr(calendar, name)
            for name in calendar.__slots__
            if name not in ("events", "exceptions")
        }
        self.storage.put("calendar", calendar.id, body)

    def list_calendar(self, account: Account, calendar: Calendar, **changes: Any) -> None:
        """Put a calendar on an account's list, or change its place there."""
        account.list_seq += 1
        entry = account.entries.get(calendar.id) or ListEntry(account.list_seq)
        for name, value in changes.items():
            setattr(entry, name, value)
        entry.seq = account.list_seq
        account.entries[calendar.id] = entry
        self.save_account(account)

    def delete_calendar(self, calendar: Calendar) -> None:
        """Take a calendar away from everybody, as when its owner deletes it."""
        for account in self.accounts.values():
            if calendar.id in account.entries:
                self.list_calendar(account, calendar, deleted=True)
        for event_id in calendar.events:
            self.storage.delete("event", f"{calendar.id}\n{event_id}")
        for channel in [one for one in self.channels.values() if one.calendar == calendar.id]:
            self.drop_channel(channel)
        del self.calendars[calendar.id]
        self.storage.delete("calendar", calendar.id)

    def delete_account(self, account: Account) -> None:
        """Close an account: its grants end, and its secondary calendars go for everybody."""
        for grant in [one for one in self.grants.values() if one.email == account.email]:
            self.drop_grant(grant)
        for calendar in [one for one in self.calendars.values() if one.owner == account.email]:
            self.delete_calendar(calendar)
        del self.accounts[account.email]
        self.storage.delete("account", account.email)

    # -- events ------------------------------------------------------------------------------

    def put_event(
        self, calendar: Calendar, body: Json, gone: list[tuple[str, int]] | None = None
    ) -> StoredEvent:
        """Store a new or changed event as the calendar's latest change; watchers hear of it."""
        calendar.seq += 1
        old = calendar.events.pop(str(body["id"]), None)
        stored = StoredEvent(body, calendar.seq, gone if gone is not None else [])
        if gone is None and old is not None:
            stored.gone = old.gone
        self._index_event(calendar, stored)
        self.storage.put(
            "event",
            f"{calendar.id}\n{stored.id}",
            {"body": body, "seq": stored.seq, "gone": stored.gone},
        )
        self.save_calendar(calendar)
        self.changed(calendar)
        return stored

    def drop_exceptions(self, calendar: Calendar, series_id: str) -> None:
        """Forget the changed instances of a series that is deleted as a whole."""
        for event_id in calendar.exceptions.pop(series_id, set()):
            del calendar.events[event_id]
            self.storage.delete("event", f"{calendar.id}\n{event_id}")

    @staticmethod
    def _index_event(calendar: Calendar, stored: StoredEvent) -> None:
        calendar.events[stored.id] = stored
        if series := stored.body.get("recurringEventId"):
            calendar.exceptions.setdefault(series, set()).add(stored.id)

    # -- clients, grants, tokens -------------------------------------------------------------

    def save_client(self, client: Client) -> None:
        """Register an OAuth client."""
        self.clients[client.id] = client
        self.storage.put("client", client.id, asdict(client))

    def save_grant(self, grant: Grant) -> None:
        """Remember what an account allowed a client."""
        self._index_grant(grant)
        self.storage.put("grant", f"{grant.email}\n{grant.client_id}", asdict(grant))

    def _index_grant(self, grant: Grant) -> None:
        key = (grant.email, grant.client_id)
        self.grants[key] = grant
        for token in grant.refresh_tokens:
            self.refresh_tokens[token] = key

    def drop_refresh_token(self, grant: Grant, token: str) -> None:
        """Make one refresh token worthless, without telling anybody."""
        grant.refresh_tokens.remove(token)
        del self.refresh_tokens[token]
        self.save_grant(grant)

    def drop_grant(self, grant: Grant) -> None:
        """Withdraw all that an account allowed a client; every token dies."""
        key = (grant.email, grant.client_id)
        del self.grants[key]
        self.storage.delete("grant", "\n".join(key))
        for token in grant.refresh_tokens:
            self.refresh_tokens.pop(token, None)
        for access in list(self.access_tokens.values()):
            if (access.email, access.client_id) == key:
                self.drop_access(access)

    def new_access(self, grant: Grant, scopes: list[str], lifetime: float) -> AccessToken:
        """Make a bearer token that lives `lifetime` seconds; now and then old ones are swept."""
        if len(self.access_tokens) % 1_000 == 999:
            now = self.clock.now().timestamp()
            for old in [one for one in self.access_tokens.values() if one.expires <= now]:
                self.drop_access(old)
        access = AccessToken(
            token="ya29." + secrets.token_urlsafe(48),
            email=grant.email,
            client_id=grant.client_id,
            scopes=scopes,
            expires=self.clock.now().timestamp() + lifetime,
        )
        self.access_tokens[access.token] = access
        self.storage.put("access", access.token, asdict(access))
        return access

    def drop_access(self, access: AccessToken) -> None:
        """Forget a bearer token."""
        self.access_tokens.pop(access.token, None)
        self.storage.delete("access", access.token)

    # -- channels and single values ----------------------------------------------------------

    def save_channel(self, channel: Channel) -> None:
        """Remember a push channel."""
        self.channels[channel.id] = channel
        self.storage.put("channel", channel.id, asdict(channel))

    def drop_channel(self, channel: Channel) -> None:
        """Forget a push channel."""
        self.channels.pop(channel.id, None)
        self.storage.delete("channel", channel.id)

    def set_value(self, name: str, value: Any) -> None:
        """Remember one named JSON value (keys, the RISC stream, page language, ...)."""
        self.values[name] = value
        self.storage.put("value", name, value)

    def now(self) -> datetime:
        """The present instant by the server's own clock."""
        return self.clock.now()
