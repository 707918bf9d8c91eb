"""Which ranges of numbers exist for what: the Dutch plan by prefix, the world's dear networks.

The phonenumbers library tells whether a number exists, but its types mislead for Dutch ranges (0970
is machines and comes back as mobile; 084, 087, 088 and 14xxx are one type) and for networks without
a country (+882 comes back as voice over IP), so prefixes decide.
"""

from __future__ import annotations

import re

from gcal_plugin.domain.reasons import Reason

HOME = "+31"
TABLES = 2
"""Raised with every change of these tables, so that a policy's version tells them apart."""

PREMIUM_PREFIXES = ("0900", "0906", "0909")

# Prefix of the national number without its 0 -> why it is refused, or None where it is allowed.
# The longest matching prefix decides; what matches nothing is refused.
_DUTCH: dict[str, Reason | None] = {
    **dict.fromkeys("123457", None),  # geographic
    **dict.fromkeys(("61", "62", "63", "64", "65", "68"), None),  # mobile
    "66": Reason.PAGER,
    "67": Reason.SERVICE_NUMBER,
    "800": None,  # free to call
    "82": Reason.SERVICE_NUMBER,
    "84": Reason.PERSONAL_NUMBER,
    "85": None,
    "87": Reason.PERSONAL_NUMBER,
    "88": None,
    "900": Reason.PREMIUM,
    "906": Reason.PREMIUM,
    "909": Reason.PREMIUM,
    "91": None,
    "97": Reason.M2M,
}
_GEOGRAPHIC_LENGTH = 9
_FULL_LENGTHS = frozenset({9, 11})

# Country code -> why the whole network is closed, whatever a tenant opens.
_WORLD: dict[str, Reason] = {
    "870": Reason.SATELLITE,
    "878": Reason.PERSONAL_NUMBER,
    "881": Reason.SATELLITE,
    "882": Reason.SATELLITE,
    "883": Reason.SATELLITE,
    "888": Reason.SERVICE_NUMBER,
    "979": Reason.PREMIUM,
}
_CLOSED_DUTCH = tuple("31" + prefix[1:] for prefix in PREMIUM_PREFIXES)

# 08, 000, 911 and 999 reach the emergency centre from mobile telephones.
_EMERGENCY = r"(?:112|911|999|000|08)"
# Suicide prevention, the animal police, the European helplines.
_HELPLINE = r"(?:113|144|116[0-9]{3})"
_EMERGENCY_CODE = re.compile(rf"0*{_EMERGENCY}")
_EMERGENCY_ABROAD = re.compile(rf"\+(?:310*)?(?:{_EMERGENCY}|{_HELPLINE}|8008112)")
_HELPLINE_CODE = re.compile(rf"0*{_HELPLINE}")
# 9, 0 and 8 are what people dial for an outside line.
_OUTSIDE_LINE = re.compile(r"[89](?:112|911)")
# Services of the networks (12xx, 13xx), the authorities (14xx, 14 and an area code), carriers
# (16xx), directories (18xx). The rest of the 1 is free for extensions: 101, 1001.
_PUBLIC_SHORT = re.compile(r"1[23468][0-9]{2}|14[0-9]{3,4}")
_ALWAYS_PUBLIC = re.compile(r"14[0-9]{3,4}|18[0-9]{2}")
_SPACED_CODE = re.compile(r"14[ -]0[0-9]{2,3}|116[ -][0-9]{3}")


def is_emergency(digits: str) -> bool:
    """Answer whether an extension's digits, or a number with +, ring an emergency centre.

    0112, 00112 and +31112 do too, and so do helplines behind +31. Nothing opens these.
    """
    pattern = _EMERGENCY_ABROAD if digits.startswith("+") else _EMERGENCY_CODE
    return pattern.fullmatch(digits) is not None


def is_helpline(digits: str) -> bool:
    """Answer whether digits ring a helpline (113, 0144, 116123), if they are no extension."""
    return _HELPLINE_CODE.fullmatch(digits) is not None


def short_code(digits: str) -> Reason | None:
    """Answer why an extension's digits are a code of the public network, or None.

    Only a list of extensions that holds them can tell that they are an extension after all.
    """
    if _OUTSIDE_LINE.fullmatch(digits) or is_helpline(digits):
        return Reason.EMERGENCY
    return Reason.SHORT_CODE if _PUBLIC_SHORT.fullmatch(digits) else None


def spaced_code(text: str) -> Reason | None:
    """Answer why a text is refused that is a public short code as people write it: "14 020"."""
    if _SPACED_CODE.fullmatch(text) is None:
        return None
    return Reason.SHORT_CODE if text.startswith("14") else Reason.EMERGENCY


def is_public_short_code(digits: str) -> bool:
    """Answer whether digits are a municipality (14020) or a directory (1888)."""
    return _ALWAYS_PUBLIC.fullmatch(digits) is not None


def closed_range(e164: str) -> Reason | None:
    """Answer why a number lies in a range that no rule can open; also for incomplete numbers."""
    if e164[1:].startswith(_CLOSED_DUTCH):
        return Reason.PREMIUM
    return _WORLD.get(e164[1:4])


def refused_range(e164: str) -> Reason | None:
    """Answer why a Dutch number of the right length is refused by its range, though none exists.

    The library knows no number in 067 and 082, and not all of 097; the range tells more than
    "no such number".
    """
    if not e164.startswith(HOME) or len(e164) - len(HOME) not in _FULL_LENGTHS:
        return None
    return _DUTCH.get(e164[len(HOME) : len(HOME) + 2])


def dutch_default(e164: str) -> Reason | None:
    """Answer why a valid Dutch number is refused where nothing else is agreed, or None."""
    national = e164.removeprefix(HOME)
    if national.startswith("14") and len(national) != _GEOGRAPHIC_LENGTH:
        return Reason.SHORT_CODE
    for size in (3, 2, 1):
        if national[:size] in _DUTCH:
            return _DUTCH[national[:size]]
    return Reason.NUMBER_TYPE_REFUSED
