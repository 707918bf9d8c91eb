"""What the phonenumbers library knows, asked in our terms and remembered.

The library is imported on first use: it is large, and most titles never need it. Its answers are
about E.164 only; nothing that a person typed reaches it, because it reads letters as keypad digits
and forgives far too much.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from gcal_plugin.domain.reasons import Reason

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_REMEMBERED = 8192
_FREE = "+31800"


@lru_cache(maxsize=_REMEMBERED)
def _parse(e164: str) -> PhoneNumber | None:
    import phonenumbers

    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return None
    # The library silently drops a trunk 0 and the like; then it speaks of another number.
    same = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == e164
    return number if same else None


@lru_cache(maxsize=_REMEMBERED)
def fault(e164: str) -> Reason | None:
    """Answer None when the number can exist, or else what is wrong with it."""
    import phonenumbers

    number = _parse(e164)
    if number is None:
        return Reason.INVALID_NUMBER
    if e164.startswith(_FREE) and len(e164) - len(_FREE) not in {4, 7}:
        return _dutch_fault(e164[3:])  # the library takes any length between
    if phonenumbers.is_valid_number(number):
        return None
    if e164.startswith("+31"):
        return _dutch_fault(e164[3:])
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible == phonenumbers.ValidationResult.TOO_SHORT:
        return Reason.TOO_SHORT
    if possible == phonenumbers.ValidationResult.TOO_LONG:
        return Reason.TOO_LONG
    return Reason.INVALID_NUMBER


def _dutch_fault(national: str) -> Reason:
    """Tell too short from too long, which the library cannot for a plan with many lengths."""
    shortest, longest = (7, 10) if national[:3] in {"800", "900", "906", "909"} else (9, 9)
    if national.startswith("97"):
        longest = 11
    if len(national) < shortest:
        return Reason.TOO_SHORT
    if len(national) > longest:
        return Reason.TOO_LONG
    return Reason.INVALID_NUMBER


@lru_cache(maxsize=_REMEMBERED)
def region(e164: str) -> str | None:
    """Answer the country ("NL") of a valid number; None for worldwide ranges."""
    import phonenumbers

    number = _parse(e164)
    found = phonenumbers.region_code_for_number(number) if number is not None else None
    return found if found is not None and len(found) == 2 else None


@lru_cache(maxsize=_REMEMBERED)
def number_type(e164: str) -> str:
    """Answer the library's opinion of the type: "mobile", "premium_rate", ..., "unknown"."""
    import phonenumbers

    types = phonenumbers.PhoneNumberType
    number = _parse(e164)
    kind = types.UNKNOWN if number is None else phonenumbers.number_type(number)
    return str(types.to_string(kind)).lower()


@lru_cache(maxsize=_REMEMBERED)
def spaced(e164: str) -> str:
    """Write for people: Dutch numbers nationally, others internationally."""
    import phonenumbers

    number = _parse(e164)
    if number is None:
        return e164
    formats = phonenumbers.PhoneNumberFormat
    form = formats.NATIONAL if number.country_code == 31 else formats.INTERNATIONAL
    return phonenumbers.format_number(number, form)
