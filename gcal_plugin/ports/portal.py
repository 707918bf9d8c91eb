"""The host's customer portal: who is logged in, what they own, how their pages look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from .calendar import OAuthClient


class Role(StrEnum):
    """What somebody may do; an account can hold several."""

    CUSTOMER = "customer"
    """Their own requests and links; agrees to quotes for them too."""
    CUSTOMER_ADMIN = "customer_admin"
    """All requests and links of the customer; may also ask for a colleague and take over a link."""
    SUPPORT = "support"
    """The tenant's (the reseller's) staff: requests, quotes, provisioning."""
    OPERATOR = "operator"
    """Runs the machines: the board, the RQ dashboard; sees every tenant."""


class ExtensionKind(StrEnum):
    """What answers at an extension (toestel, belgroep, keuzemenu, voicemail)."""

    PHONE = "phone"
    GROUP = "group"
    MENU = "menu"
    VOICEMAIL = "voicemail"


@dataclass(frozen=True, slots=True)
class Extension:
    """An internal number of a customer, with the name that people know it by."""

    number: str
    name: str = ""
    kind: ExtensionKind = ExtensionKind.PHONE
    public_numbers: tuple[str, ...] = ()
    """Its own public numbers in E.164: never a destination of itself."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A reseller: its brand, its exchange and its words about money."""

    id: str
    name: str
    pbx: str
    """The name of an entry of `GCAL_TELEPHONY`."""
    theme: str = ""
    """The name of its theme; without one `GCAL_THEME` holds."""
    support_email: str = ""
    support_phone: str = ""
    time_zone: str = "Europe/Amsterdam"
    rate_text: str = ""
    """The tenant's rate for the forwarded leg, as shown at agreement."""
    terms_version: str = "1"
    terms_url: str = ""
    oauth_client: OAuthClient | None = None
    """The tenant's own Google client; without it the product's is used."""
    public_url: str = ""
    """The tenant's own address (scheme and host), where it differs from the product's."""
    accept_invitations: bool = False
    policy: dict[str, object] = field(default_factory=dict)
    """Differences from the default destination policy (see `domain.policy.Policy.from_json`)."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person who is logged in to the portal."""

    id: str
    tenant_id: str
    email: str
    name: str = ""
    customer_code: str = ""
    customer_name: str = ""
    domain: str = ""
    """The customer's domain on the exchange; extensions are unique within it."""
    roles: frozenset[Role] = frozenset({Role.CUSTOMER})
    locale: str = "nl"
    closed: bool = False


class Portal(Protocol):
    """What the plugin asks of its host. Every method must be cheap: pages call them often."""

    def current_account(self) -> Account | None:
        """Who is logged in on this request; None sends the visitor to the host's log-in."""
        ...

    def account(self, account_id: str) -> Account | None:
        """An account by its id, in jobs too; None where it no longer exists."""
        ...

    def find_account(self, tenant_id: str, email: str) -> Account | None:
        """An account by its e-mail address, for provisioning."""
        ...

    def tenant(self, tenant_id: str) -> Tenant | None:
        """A tenant by its id."""
        ...

    def tenants(self) -> Sequence[Tenant]:
        """Every tenant, for the operators' pages and `doctor`, and at the start for their themes:
        within an application context, without a request, and perhaps before there are tables."""
        ...

    def current_tenant(self) -> Tenant | None:
        """The tenant of this request's host name or account: chooses the theme."""
        ...

    def extensions(self, account: Account) -> Sequence[Extension] | None:
        """The extensions of the account's customer; None where the portal keeps no list."""
        ...

    def locale(self) -> str:
        """The language of this request, "nl" or "en"."""
        ...

    def login_url(self, next_path: str) -> str:
        """Where a visitor without a session is sent."""
        ...

    def settings_url(self) -> str:
        """The portal's own settings page (Instellingen), for the way back."""
        ...
