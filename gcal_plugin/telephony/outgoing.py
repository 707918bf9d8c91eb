"""Where our own requests may go: the guard against being sent to a machine that is not a PBX.

An address is written by people who may not be trusted with our network. So its name is resolved
by us at every connection, every address it has is judged, and the connection goes to the address
that was judged: a name that changes its mind in between (rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from ..ports.telephony import TelephonyError
from .addresses import Address, refusal
from .faults import BackendConfig

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})
_ODD_NUMBER = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|[0-9]+)", re.ASCII)


class OutgoingRefused(TelephonyError):
    """The address is none that we may call; nothing was sent."""


@dataclass(frozen=True, slots=True)
class OutgoingPolicy:
    """Which addresses may be called. Without `hosts` every public one."""

    hosts: frozenset[str] = frozenset()
    """Allowed names; `.example.com` also stands for everything below it."""
    loopback: bool = False
    private: bool = False

    def check_url(self, url: str) -> None:
        """Refuse an address by what it says, before any name is resolved."""
        host, port, scheme = split_url(url)
        self.check_host(host, port)
        if scheme == "http" and not (self.loopback or self.private):
            raise OutgoingRefused("http is only for this machine or a private network; use https")
        literal = literal_address(host)
        if literal is not None:
            self.check_address(host, literal)

    def check_host(self, host: str, port: int) -> None:
        """Refuse a name that is not on the list, or a port of another service."""
        if port not in (80, 443) and port < 1024:
            raise OutgoingRefused(f"port {port} is not one for http")
        if self.hosts and not any(_matches(host.lower(), entry) for entry in self.hosts):
            raise OutgoingRefused(f"{host} is not among the allowed hosts")

    def check_address(self, host: str, address: Address) -> None:
        """Refuse an address that a name (or an address itself) leads to."""
        reason = refusal(address, loopback=self.loopback, private=self.private)
        if reason is not None:
            raise OutgoingRefused(f"{host} may not be called: {reason}")


def split_url(url: str) -> tuple[str, int, str]:
    """Host, port and scheme of a plain http(s) address; `OutgoingRefused` for anything unusual."""
    if not url.isascii() or re.search(r"[\s\\\x00-\x1f\x7f]", url):
        raise OutgoingRefused("the address has characters that no address needs")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").lower()
    except ValueError as error:
        raise OutgoingRefused(f"not an address: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise OutgoingRefused("must be an http or https address, like https://pbx.example/gcal")
    if "@" in parts.netloc:
        raise OutgoingRefused("must not carry a user or password")
    if "?" in url or "#" in url:
        raise OutgoingRefused("must be a plain address, without ? or #")
    if literal_address(host) is None and (not _HOST.fullmatch(host) or _ODD_NUMBER.fullmatch(host)):
        # 2130706433, 0x7f.1 and 0177.0.0.1 are read by some resolvers as 127.0.0.1.
        raise OutgoingRefused(f"{host!r} is not a host name")
    return host, port or {"http": 80, "https": 443}[parts.scheme], parts.scheme


def literal_address(host: str) -> Address | None:
    """The address that a host is, or None where it is a name; zones (`%eth0`) are never one."""
    if "%" in host:
        return None
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


class OutgoingConfig(BackendConfig):
    """Keys that every backend with an address has."""

    allow_hosts: frozenset[str] = Field(
        default=frozenset(),
        description="Host names that may be called; empty allows every public one.",
    )
    allow_loopback: bool | None = Field(
        default=None,
        description="Lets the exchange be on this machine. Without it only an address that says "
        "so in plain words (127.0.0.1, ::1, localhost), never a name that leads there.",
    )
    allow_private: bool = Field(
        default=False, description="Lets the exchange be in a private network."
    )
    timeout: float = Field(default=5.0, gt=0, le=60, description="Seconds for one answer.")
    # Last, because it is judged by the keys above.
    url: Annotated[str, BeforeValidator(lambda value: str(value).rstrip("/"))] = Field(
        description="Base address of the exchange, without a slash at its end."
    )

    @field_validator("url")
    @classmethod
    def _may_be_called(cls, url: str, info: ValidationInfo) -> str:
        policy = OutgoingPolicy(
            hosts=info.data.get("allow_hosts", frozenset()),
            loopback=_loopback(info.data.get("allow_loopback"), url),
            private=info.data.get("allow_private", False),
        )
        try:
            policy.check_url(url)
        except OutgoingRefused as refused:
            raise ValueError(str(refused)) from None
        return url

    @property
    def policy(self) -> OutgoingPolicy:
        """What this entry may call."""
        return OutgoingPolicy(
            hosts=self.allow_hosts,
            loopback=_loopback(self.allow_loopback, self.url),
            private=self.allow_private,
        )


def _loopback(allowed: bool | None, url: str) -> bool:
    """Whether this machine may be called: as the entry says, or as its address says plainly.

    Whoever writes 127.0.0.1 into the settings means it; a name that turns out to lead here does
    not say so, and is refused.
    """
    if allowed is not None:
        return allowed
    try:
        host, _, _ = split_url(url)
    except OutgoingRefused:
        return False
    return host in _THIS_MACHINE


def _matches(host: str, entry: str) -> bool:
    wanted = entry.lower()
    if wanted.startswith("."):
        return host.endswith(wanted) or host == wanted[1:]
    return host == wanted
