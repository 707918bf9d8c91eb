"""The digits of one number, as typed -> a destination, or what is wrong with them.

`spelled` is the strict pattern that comes before any library: groups of digits, with single spaces,
dots, hyphens, and parentheses only round an area code, a country code or the "(0)" of +31 (0)6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gcal_plugin.domain import numbering, ranges
from gcal_plugin.domain.reasons import Reason
from gcal_plugin.domain.rendering import international, national
from gcal_plugin.domain.values import Destination, Kind, Reading

LONGEST = 48
"""No spelling of one number is longer; anything beyond is not matched at all."""
MOST_DIGITS = 15

_TRUNK = re.compile(r"^(\()?(\+ ?|00[ -]?)([1-9][0-9]{0,2})(?(1)\))[ .-]?\(0\)")
_AREA = re.compile(r"^((?:(?:\+ ?|00[ -]?)[1-9][0-9]{0,2}[ .-]?)?)\((\+?[0-9]{1,6})\)")
_GROUPS = re.compile(r"(\+? ?)([0-9](?:[ .-]{0,3}[0-9])*)")
_SEPARATORS = str.maketrans("", "", " .-")
_DATE = (
    r"[0-3]?[0-9]([-/.])[01]?[0-9]\1(?:[0-9]{4}|[0-9]{2})"
    r"|[12][0-9]{3}([-/.])[01]?[0-9]\2[0-3]?[0-9]"
)
_TIMES = r"[0-2]?[0-9][.:][0-5][0-9] ?- ?[0-2]?[0-9][.:][0-5][0-9]"
_HOURS = r"[0-2][0-9][0-5][0-9] ?- ?[0-2][0-9][0-5][0-9]"
_DATE_OR_TIMES = re.compile(rf"(?:{_DATE}|{_TIMES}|{_HOURS})")
_FREE_OR_PAY = ("0800", *ranges.PREMIUM_PREFIXES)
_COMPACT_DATE = re.compile(r"(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]")

ORDINARY = Reading(Kind.NONE, None, Reason.ORDINARY_TEXT)


@dataclass(frozen=True, slots=True)
class Spelled:
    """The bare digits of a spelling, whether a + stood in front, and the spelling itself."""

    digits: str
    plus: bool
    text: str

    @property
    def one_piece(self) -> bool:
        """Whether the spelling holds the digits and nothing else."""
        return self.text == self.digits


def spelled(text: str) -> Spelled | None:
    """Answer the digits of a text that is one number and nothing else; None for other texts."""
    if len(text) > LONGEST:
        return None
    flat = text
    if "(" in text:
        flat = _TRUNK.sub(r"\2\3 ", text, count=1)
        flat = _AREA.sub(r"\1 \2 ", flat, count=1).strip()
        flat = flat.replace("+ ", "+", 1)
    match = _GROUPS.fullmatch(flat)
    if match is None:
        return None
    digits = match[2].translate(_SEPARATORS)
    return Spelled(digits, plus=match[1].startswith("+"), text=text)


def is_date_or_times(text: str) -> bool:
    """Answer whether digits are a date ("01-12-2026") or hours ("09.00-17.00", "0830-1700")."""
    return _DATE_OR_TIMES.fullmatch(text) is not None


def is_free_or_pay(text: str) -> bool:
    """Answer whether a text starts as an 0800 or 0900 number, which may look like hours."""
    return text.startswith(_FREE_OR_PAY)


def read_digits(number: Spelled) -> Reading:
    """Read one number's digits: extension, international, national, or what is missing."""
    digits = number.digits
    if number.one_piece and len(digits) <= 6:
        return _short(digits)
    if number.plus:
        return _international(digits) if len(digits) >= 3 else ORDINARY
    if digits.startswith("00"):
        return _international(digits[2:], zeros=True)
    if len(digits) < 6 or (len(digits) < 7 and digits[0] != "0"):
        code = ranges.spaced_code(number.text)
        return ORDINARY if code is None else Reading(Kind.NUMBER, None, code)
    if digits.startswith("0"):
        return _international("31" + digits[1:])
    return _headless(number)


def _short(digits: str) -> Reading:
    """Read two to six digits in one piece: an extension, unless it is the start of a pay number."""
    if len(digits) < 2:
        return ORDINARY
    if digits.startswith(ranges.PREMIUM_PREFIXES):
        return Reading(Kind.NUMBER, None, Reason.PREMIUM)
    return Reading(Kind.EXTENSION, digits)


def _international(body: str, *, zeros: bool = False) -> Reading:
    """Read what follows the + or the 00 (`zeros`)."""
    if ranges.is_emergency("+" + body):
        return Reading(Kind.NUMBER, None, Reason.EMERGENCY)
    if len(body) > MOST_DIGITS:
        return Reading(Kind.NONE, None, Reason.TOO_LONG)
    if body[:1] in {"", "0"}:
        return Reading(Kind.NONE, None, Reason.INVALID_NUMBER, _repaired(body))
    fault = numbering.fault("+" + body)
    if fault is None:
        return Reading(Kind.NUMBER, "+" + body)
    closed = ranges.closed_range("+" + body)
    if closed is not None:
        return Reading(Kind.NUMBER, None, closed, _dutch("0" + body))
    if body.startswith("310"):
        return Reading(Kind.NONE, None, Reason.INVALID_NUMBER, _repaired(body))
    refused = ranges.refused_range("+" + body)
    if refused is not None:
        return Reading(Kind.NUMBER, None, refused)
    return Reading(Kind.NONE, None, fault, _one_zero_less(body) if zeros else None)


def _headless(number: Spelled) -> Reading:
    """Read seven or more digits that start with neither 0 nor +."""
    digits = number.digits
    if len(digits) > MOST_DIGITS:
        return Reading(Kind.NONE, None, Reason.TOO_LONG)
    suggestion = _dutch("0" + digits)
    if suggestion is not None:
        return Reading(Kind.NONE, None, Reason.MISSING_ZERO, suggestion)
    if len(digits) >= 10 and numbering.fault("+" + digits) is None:
        known = Destination(Kind.NUMBER, "+" + digits)
        return Reading(Kind.NONE, None, Reason.MISSING_PREFIX, international(known))
    if not number.one_piece or _COMPACT_DATE.fullmatch(digits):
        return ORDINARY
    if len(digits) < 9:
        return Reading(Kind.NONE, None, Reason.TOO_SHORT)
    return Reading(Kind.NONE, None, Reason.INVALID_NUMBER)


def _dutch(digits: str) -> str | None:
    """Answer `digits` where they are a national number that exists, else None."""
    return digits if numbering.fault(ranges.HOME + digits[1:]) is None else None


def _repaired(body: str) -> str | None:
    """Answer the national number meant by one with zeros too many in front or after 31."""
    bare = body.lstrip("0")
    if bare.startswith("31"):
        bare = bare[2:].lstrip("0")
    return _dutch("0" + bare)


def _one_zero_less(body: str) -> str | None:
    """Answer the mobile number meant by one with a zero too many in front: 00612345678."""
    return _dutch("0" + body) if body.startswith("6") else None


def title_for(destination: Destination) -> str:
    """Answer a title that reads as `destination`, as we would suggest it."""
    return national(destination)
