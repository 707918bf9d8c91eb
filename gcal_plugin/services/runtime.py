"""What every service gets handed first: settings, store, portal and the ports, bound once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

from ..ports import CalendarSource, Mailer, OAuthClient, OAuthPort, Portal, Telephony, Tenant, Wake
from ..settings import GcalSettings
from ..store.store import Store

_T = TypeVar("_T")
_making = Lock()


@dataclass(frozen=True)
class Runtime:
    """The plugin in one application. Made by `extension.py`, never changed afterwards."""

    settings: GcalSettings
    store: Store
    portal: Portal
    telephony: Mapping[str, Telephony]
    oauth: OAuthPort
    calendars: CalendarSource
    wake: Wake
    mailer: Mailer
    url_prefix: str = "/google-calendar"
    extras: dict[str, object] = field(default_factory=dict)
    """Process-wide helpers that a room keeps (quota governor, breakers), by their name."""

    def kept(self, name: str, kind: type[_T]) -> _T:
        """This process's only `kind` of that name, made when it is first asked for."""
        with _making:
            if name not in self.extras:
                self.extras[name] = kind()
            found = self.extras[name]
        assert isinstance(found, kind)
        return found

    def oauth_client(self, tenant: Tenant) -> OAuthClient:
        """The tenant's own Google client, or the product's."""
        return tenant.oauth_client or self.default_client

    @property
    def default_client(self) -> OAuthClient:
        return OAuthClient(
            id=self.settings.google_client_id,
            secret=self.settings.google_client_secret,
            app_name=self.settings.google_app_name,
        )

    def client_by_id(self, client_id: str) -> OAuthClient:
        """The client that a grant was given to; raises LookupError where none has that id."""
        for tenant in self.portal.tenants():
            if tenant.oauth_client is not None and tenant.oauth_client.id == client_id:
                return tenant.oauth_client
        if client_id == self.settings.google_client_id:
            return self.default_client
        raise LookupError(f"no OAuth client {client_id} is configured any more")
