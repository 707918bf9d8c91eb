"""The Dutch numbering plan by prefix: which ranges a forward may reach.

The phonenumbers library tells whether a number exists, but its types mislead for Dutch ranges (0970
is machines and comes back as mobile; 084, 087, 088 and 14xxx are one type), so prefixes decide.
"""

from __future__ import annotations

from gcal_plugin.domain.reasons import Reason

HOME = "+31"

# Prefix of the national number without its 0 -> why it is refused, or None where it is allowed.
# The longest matching prefix decides; what matches nothing is refused.
_BY_PREFIX: dict[str, Reason | None] = {
    **dict.fromkeys("12345", None),  # geographic
    "7": None,  # geographic
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
    "14": Reason.SHORT_CODE,
    "116": Reason.EMERGENCY,
}
# 014x and 0116x are not all short codes: Dutch area codes 0140 do not exist, 0116 does not either
# as a ten-digit number of that form; see `prefix_verdict`, which looks at the length.
_SHORT = ("14", "116")
_NEVER_OPENED = frozenset({Reason.PREMIUM, Reason.EMERGENCY, Reason.SHORT_CODE})

PREMIUM_PREFIXES = ("0900", "0906", "0909")


def prefix_verdict(national: str) -> Reason | None:
    """Answer why a valid Dutch number (without +31) is refused by default, or None.

    A ten-digit number (nine here) is never a short code: 0113 is Goes, 0115 Terneuzen.
    """
    ordinary_length = len(national) == 9
    for size in (3, 2, 1):
        prefix = national[:size]
        if prefix in _BY_PREFIX and not (ordinary_length and prefix in _SHORT):
            return _BY_PREFIX[prefix]
    return Reason.NUMBER_TYPE_REFUSED


def can_be_opened(reason: Reason) -> bool:
    """Answer whether a tenant's own list of prefixes may open a range refused for `reason`."""
    return reason not in _NEVER_OPENED
