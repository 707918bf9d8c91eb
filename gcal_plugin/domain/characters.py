"""Characters in titles: what counts as a space or a hyphen, and what only pretends to be plain.

A number may be copied from a web page or a letter, so every visible space and every kind of dash is
welcome. What cannot be seen, or looks like a digit without being one, is not: the person who looks
at the title would see another number than the one that rings.
"""

from __future__ import annotations

import re
import unicodedata

_SPACES = "\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_PLAIN = str.maketrans({**dict.fromkeys(_SPACES, " "), **dict.fromkeys(_DASHES, "-")})
_TRIMMED = " \t\r\n\x0b\x0c" + _SPACES

# Controls, format and direction marks, fillers, variation selectors, tags, lone surrogates.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# \d is every decimal digit of every script; the rest are digits in other clothes.
_STYLED = "\u00b2\u00b3\u00b9\u2070-\u2079\u2080-\u2089\u2460-\u24ff\u2776-\u2793"
_SOME_DIGIT = re.compile(rf"[\d{_STYLED}]")
_MASKED = re.compile(
    rf"(?![0-9])\d|[{_STYLED}]"
    "|[\uff0b\ufe62\u207a\u208a]"  # plus signs
    "|[0-9][\u0300-\u036f\u20d0-\u20f0]"  # struck through, enclosed
)
_SEVERAL_SPACES = re.compile(" {2,}")
_MARKS = frozenset({"Mn", "Me"})


def plain(title: str) -> str:
    """Trim, and write every visible space as " " and every dash as "-"."""
    trimmed = title.strip(_TRIMMED)
    return trimmed if trimmed.isascii() else trimmed.translate(_PLAIN)


def single_spaced(text: str) -> str:
    """Write several spaces as one."""
    return _SEVERAL_SPACES.sub(" ", text)


def has_digit(text: str) -> bool:
    """Answer whether there is any digit, of any script or style."""
    return _SOME_DIGIT.search(text) is not None


def without_invisible(text: str) -> str:
    """Leave out what cannot be seen."""
    return _INVISIBLE.sub("", text)


def masks_digits(text: str) -> bool:
    """Answer whether something looks like 0-9 or + without being it."""
    return not text.isascii() and _MASKED.search(text) is not None


def unmasked(text: str) -> str:
    """Write look-alike digits and signs as the ASCII ones; letters lose their accents."""
    return "".join(_unmasked(sign) for sign in unicodedata.normalize("NFKD", text))


def _unmasked(sign: str) -> str:
    if sign.isascii():
        return sign
    if unicodedata.category(sign) in _MARKS:
        return ""
    value = unicodedata.digit(sign, None)
    return sign if value is None else str(value)
