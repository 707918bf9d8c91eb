"""Every `GCAL_*` setting: its type, its default, its meaning; all faults told together, by key.

Declared once here, checked at start-up, never changed afterwards. The table in the documentation
is made from this file.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

PREFIX = "GCAL_"

CALENDAR_LIST_SCOPE = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"
EVENTS_SCOPE = "https://www.googleapis.com/auth/calendar.events.readonly"


class SettingsError(ValueError):
    """Settings are wrong. `faults` maps each key to what is wrong and how to mend it."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(faults)
        lines = "\n".join(f"  {key}: {text}" for key, text in sorted(self.faults.items()))
        count = len(self.faults)
        super().__init__(f"{count} wrong setting{'s' if count != 1 else ''}:\n{lines}")


def _json_if_text(value: Any) -> Any:
    """Settings from the environment are text; a mapping or list in them is JSON."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f"is not valid JSON: {error.msg} at character {error.pos}") from None
    return value


def _list_if_text(value: Any) -> Any:
    value = _json_if_text(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _base_url(value: str) -> str:
    """An http(s) address without query or fragment, given back without its trailing slash."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http or https address, like https://portal.example")
    if parts.query or parts.fragment:
        raise ValueError("must be a plain address, without ? or #")
    return value.rstrip("/")


Url = Annotated[str, BeforeValidator(lambda value: _base_url(value) if value else value)]


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine, where plain http is not a risk."""
    host = (urlsplit(url).hostname or "").lower()
    return (
        host == "localhost"
        or host.endswith(".localhost")
        or host == "::1"
        or (host.startswith("127."))
    )


def decode_key(key: str) -> bytes:
    """The bytes of a key in base64, of either alphabet; raises ValueError."""
    plain = key.strip().replace("-", "+").replace("_", "/")
    return base64.b64decode(plain, validate=True)


class GcalSettings(BaseModel):
    """The plugin's settings; attribute names are the keys without `GCAL_`, in lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    google_client_id: str = Field(
        default="", description="OAuth client id of the Google project that asks for access."
    )
    google_client_secret: str = Field(
        default="", repr=False, description="Secret of that OAuth client."
    )
    google_app_name: str = Field(
        default="Google Calendar Integratie",
        description="Name under which the app is registered at Google; customers see it at "
        "myaccount.google.com, so help texts and mails name it.",
    )
    support_email: str = Field(
        default="", description="Where customers are sent for help, and where requests arrive."
    )
    google_metadata_url: Url = Field(
        default="https://accounts.google.com/.well-known/openid-configuration",
        description="OpenID discovery document: authorize, token, revoke and keys come from it.",
    )
    google_api_root: Url = Field(
        default="https://www.googleapis.com",
        description="Root of Google's APIs; the Calendar API is at `<root>/calendar/v3/`.",
    )
    google_risc_metadata_url: Url = Field(
        default="https://accounts.google.com/.well-known/risc-configuration",
        description="Discovery document of Cross-Account Protection (RISC).",
    )
    risc_service_account: Annotated[dict[str, Any], BeforeValidator(_json_if_text)] = Field(
        default_factory=dict,
        repr=False,
        description="Text of the key file (JSON) of the service account that manages the "
        "RISC stream in the Google project; only `flask gcal risc` needs it.",
    )
    google_quota_per_minute: int = Field(
        default=10_000, ge=60, description="Requests a minute that Google grants the project."
    )
    google_user_quota_per_minute: int = Field(
        default=600, ge=10, description="Requests a minute that Google grants per Google user."
    )
    google_timeout_seconds: float = Field(
        default=10.0, gt=0, le=120, description="Longest wait for one answer of Google."
    )
    public_url: Url = Field(
        default="",
        description="Base address that Google can reach. Push notifications are on when it is "
        "https, or http on loopback while the API root is on loopback too; else we poll.",
    )
    callback_url: Url = Field(
        default="",
        description="The one registered redirect address for all host names; empty uses the "
        "callback below the request's own host.",
    )
    redis_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        repr=False,
        description="Redis for wake-ups and the shared quota; redis://, rediss://, unix:// or "
        "redis+sentinel://.",
    )
    encryption_keys: Annotated[tuple[str, ...], BeforeValidator(_list_if_text)] = Field(
        default=(),
        repr=False,
        description="Keys for tokens at rest, newest first (the first seals, all open): "
        "each 32 random bytes in base64.",
    )
    telephony: Annotated[dict[str, dict[str, Any]], BeforeValidator(_json_if_text)] = Field(
        default_factory=dict,
        repr=False,
        description="The exchanges by name, each with its `backend` and that backend's own keys.",
    )
    poll_seconds: float = Field(
        default=60, ge=0.5, description="How often a calendar without push is fetched."
    )
    safety_sync_seconds: float = Field(
        default=43_200,
        ge=60,
        description="How often a calendar with push is fetched all the same (one in two of these "
        "re-lists the whole window).",
    )
    horizon_days: int = Field(
        default=35, ge=2, le=366, description="How many days ahead events are kept."
    )
    history_days: int = Field(
        default=90, ge=7, le=3650, description="How long verdicts and switches are kept."
    )
    stale_after_seconds: float = Field(
        default=86_400,
        ge=300,
        description="After so long without a successful fetch the link's own choice decides.",
    )
    metrics_token: str = Field(
        default="", repr=False, description="Bearer for /metrics; without it the page is 404."
    )
    pull_tokens: Annotated[dict[str, str], BeforeValidator(_json_if_text)] = Field(
        default_factory=dict,
        repr=False,
        description="Bearer per exchange that asks us who rings (`/pull/<pbx>/...`).",
    )
    theme: str = Field(default="plain", description="Theme where the portal names none.")
    themes_folders: Annotated[tuple[str, ...], BeforeValidator(_list_if_text)] = Field(
        default=(), description="Folders with the reseller's own themes, searched first."
    )
    request_mode: Literal["portal", "mail"] = Field(
        default="portal",
        description="`mail` keeps requests by mail: the page prepares the mail to support.",
    )
    mail_sender: str = Field(default="", description="From address of the mails we send.")
    arm_ahead_seconds: float = Field(
        default=5.0, ge=0.5, le=60, description="How long before an edge its batch is prepared."
    )
    batch_size: int = Field(
        default=500, ge=1, le=500, description="The most extensions in one switching job."
    )
    trusted_hosts: Annotated[tuple[str, ...], BeforeValidator(_list_if_text)] = Field(
        default=(),
        description="Host names under which the pages may be asked for; empty: the host decides.",
    )

    @field_validator("encryption_keys")
    @classmethod
    def _keys_are_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for place, key in enumerate(keys, start=1):
            try:
                raw = decode_key(key)
            except (binascii.Error, ValueError):
                raise ValueError(f"key {place} is not base64") from None
            if len(raw) != 32:
                raise ValueError(f"key {place} has {len(raw)} bytes, a key has 32")
        return keys

    @property
    def push_possible(self) -> bool:
        """Whether Google (or the local stand-in) can notify us at `public_url`."""
        if not self.public_url:
            return False
        if self.public_url.startswith("https://"):
            return True
        return is_loopback(self.public_url) and is_loopback(self.google_api_root)

    @property
    def scopes(self) -> tuple[str, ...]:
        return ("openid", "email", CALENDAR_LIST_SCOPE, EVENTS_SCOPE)


def load(config: Mapping[str, Any], *, require: bool = True) -> GcalSettings:
    """Read the `GCAL_*` keys of a Flask config; raises `SettingsError` with every fault at once.

    `require` also insists on the keys without which nothing can run (client, keys, exchanges).
    """
    values = {
        key[len(PREFIX) :].lower(): value for key, value in config.items() if key.startswith(PREFIX)
    }
    faults: dict[str, str] = {}
    settings: GcalSettings | None = None
    try:
        settings = GcalSettings(**values)
    except ValidationError as error:
        for fault in error.errors():
            key = PREFIX + str(fault["loc"][0]).upper()
            faults.setdefault(key, _words(fault["type"], fault["msg"]))
    given = {PREFIX + key.upper(): value for key, value in values.items()}
    if require:
        for key, mend in _REQUIRED.items():
            if not given.get(key) and key not in faults:
                faults[key] = mend
    if faults or settings is None:
        raise SettingsError(faults)
    return settings


_REQUIRED = {
    "GCAL_GOOGLE_CLIENT_ID": "is missing: create an OAuth client in the Google project, "
    "type web application",
    "GCAL_GOOGLE_CLIENT_SECRET": "is missing: it comes with the OAuth client id",
    "GCAL_ENCRYPTION_KEYS": "is missing: make one with `flask gcal keys new`",
    "GCAL_TELEPHONY": 'is missing: name at least one exchange, like {"main": '
    '{"backend": "webhook", "url": "https://pbx.example/gcal", "secret": "whsec_..."}}',
}


def _words(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "is not a setting of this version; check the spelling"
    return message.removeprefix("Value error, ")
