"""A title -> a destination, or the reason why it is none and the repair.

The whole title, trimmed, is one destination or it is no forward at all. Most titles are ordinary
appointments and leave after one or two cheap looks.
"""

from __future__ import annotations

from gcal_plugin.domain import characters
from gcal_plugin.domain.beside import numbers_in, read_beside
from gcal_plugin.domain.digits import (
    LONGEST,
    MOST_DIGITS,
    ORDINARY,
    is_date_or_times,
    is_free_or_pay,
    read_digits,
    spelled,
    title_for,
)
from gcal_plugin.domain.reasons import Reason, is_ordinary
from gcal_plugin.domain.rendering import display, international, national
from gcal_plugin.domain.values import Destination, Kind, Reading

__all__ = [
    "Destination",
    "Kind",
    "Reading",
    "Reason",
    "display",
    "international",
    "national",
    "read_title",
]

_EMPTY = Reading(Kind.NONE, None, Reason.EMPTY_TITLE)
_TOO_LONG = Reading(Kind.NONE, None, Reason.TOO_LONG)
_KEYS = frozenset("0123456789 .()+-")


def read_title(title: str | None) -> Reading:
    """Read a whole title as one destination. Never raises, whatever the title is."""
    text = characters.plain(title) if title else ""
    if not text:
        return _EMPTY
    if not characters.has_digit(text):
        return ORDINARY
    visible = characters.without_invisible(text)
    if visible != text:
        plain = characters.unmasked(visible) if characters.masks_digits(visible) else visible
        return _disguised(_read(plain), Reason.INVISIBLE_CHARACTERS, None)
    if characters.masks_digits(text):
        inner = _read(characters.unmasked(text))
        known = inner.destination
        return _disguised(inner, Reason.LOOKALIKE_DIGITS, title_for(known) if known else None)
    return _read(text)


def _read(text: str) -> Reading:
    """Read a text whose digits are plain."""
    if "  " in text:
        text = characters.single_spaced(text)
    if len(text) > LONGEST:
        return _read_long(text)
    if is_date_or_times(text) and not is_free_or_pay(text):
        return ORDINARY
    number = spelled(text)
    if number is None:
        return read_beside(text)
    reading = read_digits(number)
    if reading.destination is not None or number.one_piece:
        return reading
    inside = numbers_in(text)
    if len(inside) > 1:
        return Reading(Kind.NONE, None, Reason.SEVERAL_NUMBERS)
    if inside and len(number.digits) > MOST_DIGITS:
        return Reading(Kind.NONE, None, Reason.TEXT_BESIDE_NUMBER, inside[0])
    return reading


def _read_long(text: str) -> Reading:
    """Read a text that is too long for one number: perhaps several, perhaps digits without end."""
    if _KEYS.issuperset(text) and len(numbers_in(text)) < 2:
        digits = sum(map(text.count, "0123456789"))
        return _TOO_LONG if digits > MOST_DIGITS else ORDINARY
    return read_beside(text)


def _disguised(inner: Reading, reason: Reason, suggestion: str | None) -> Reading:
    """Answer `reason` for a text that would mean something without its disguise."""
    return inner if is_ordinary(inner.reason) else Reading(Kind.NONE, None, reason, suggestion)
