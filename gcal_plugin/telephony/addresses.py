"""Which network addresses may be called, decided on the address itself and not on its name."""

from __future__ import annotations

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # most clouds
        "169.254.170.2",  # container credentials
        "168.63.129.16",  # a public address, yet a platform's own wire server
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
_PRIVATE: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
_NAT64: Final = tuple(ipaddress.ip_network(t) for t in ("64:ff9b::/96", "64:ff9b:1::/48"))
_COMPATIBLE: Final = ipaddress.ip_network("::/96")


def refusal(address: Address, *, loopback: bool, private: bool) -> str | None:
    """Why an address may not be called, or None where it may."""
    inner = embedded(address)
    if inner is not None:
        return refusal(inner, loopback=loopback, private=private)
    if address in _METADATA:
        return "it is a cloud's metadata service"
    if address.is_loopback:
        return None if loopback else "it is this machine itself"
    if any(address in network for network in _PRIVATE if network.version == address.version):
        return None if private else "it is in a private network"
    if address.is_multicast or address.is_unspecified or not address.is_global:
        return "it is not a public address"
    return None


def embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped, compatible, 6to4, Teredo, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    low = int(address) & 0xFFFFFFFF
    if any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(low)
    if address in _COMPATIBLE and low > 1:
        return ipaddress.IPv4Address(low)
    return None
