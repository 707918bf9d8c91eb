"""Titles in which a destination stands beside something else: never a forward, often a repair.

An ordinary appointment with some digits in it must stay silent; what looks like a destination that
was typed wrongly is told, with the title that would work where there is exactly one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from gcal_plugin.domain.digits import (
    LONGEST,
    ORDINARY,
    Spelled,
    is_date_or_times,
    read_digits,
    spelled,
    title_for,
)
from gcal_plugin.domain.reasons import Reason
from gcal_plugin.domain.values import Kind, Reading

_LOOKED_AT = 2000
_MOST_RUNS = 8
_MOST_GROUPS = 10

_KEYPAD = re.compile(
    r"[*#][0-9]{1,4}[*#]"  # *21*, #31#
    r"|;\s*[a-z-]{2,20}\s*="  # ;ext=, ;phone-context=
    r"|^\+?[0-9][0-9 .()-]{5,24}(?:,{1,8}|;|[pPwW])\s?[0-9]{1,6}#?$"  # pauses and digits to dial on
)
_KEYS_ONLY = re.compile(r"[0-9+*# .()-]+")
_ODD = frozenset("/_,=|\\")
_PLAIN = frozenset("0123456789 .()+-")
_LEAST_ODD = 9  # with a colon and the like between, fewer digits may be hours
_RUN = re.compile(r"(?<![0-9])(?:\+ ?)?\(?\+?[0-9](?:[ .()-]{0,3}[0-9])+")
_BETWEEN = re.compile(r"[ .()-]+")
_NAMED_EXTENSION = re.compile(
    r"\b(?:toestel|toestelnummer|tst|extensie|extension|ext|intern|doorkies|belgroep|keuzemenu)"
    r"\b[.:]? {0,3}([0-9]{2,6})\b(?![ .:/-]{0,2}[0-9])",
    re.IGNORECASE,
)
_MIXED_LETTERS = re.compile(r"(?=[0-9+A-Za-z .-]{8,20}$)(?:\+?[0-9]|[oO][0-9])[0-9A-Za-z .-]+$")


def read_beside(text: str) -> Reading:
    """Read a title that is more than one plain number."""
    text = text[:_LOOKED_AT]
    if _is_keypad_code(text):
        return _none(Reason.SERVICE_PREFIX)
    found, number_like = _numbers(text)
    if len(found) > 1:
        return _none(Reason.SEVERAL_NUMBERS)
    suggestion = next(iter(found), None)
    split = _oddly_split(text)
    if split is not None:
        return split
    if _letters_among_digits(text):
        return _none(Reason.LETTERS, suggestion)
    if suggestion is not None:
        return _none(Reason.TEXT_BESIDE_NUMBER, suggestion)
    named = _NAMED_EXTENSION.search(text)
    if named is not None:
        return _none(Reason.TEXT_BESIDE_NUMBER, named[1])
    return _none(Reason.TEXT_BESIDE_NUMBER) if number_like else ORDINARY


def _is_keypad_code(text: str) -> bool:
    """Answer whether a title is dialled as a code, or holds one: *21*...#, #31#, ;ext=, pauses."""
    if _KEYS_ONLY.fullmatch(text):
        return "*" in text or "#" in text[1:]
    return _KEYPAD.search(text) is not None


def numbers_in(text: str) -> list[str]:
    """Answer the distinct numbers in a text, each as a title that would work."""
    return list(_numbers(text)[0])


def _none(reason: Reason, suggestion: str | None = None) -> Reading:
    return Reading(Kind.NONE, None, reason, suggestion)


def _oddly_split(text: str) -> Reading | None:
    """Read 06/12345678, 06_12345678, 06:12345678: one number only if we guessed; we must not."""
    signs = [sign for sign in text if sign not in _PLAIN]
    if len(signs) != 1 or signs[0].isalnum():
        return None
    number = spelled(text.replace(signs[0], "-"))
    if number is None or (number.digits[0] != "0" and not number.plus):
        return None
    if signs[0] not in _ODD and len(number.digits) < _LEAST_ODD:
        return None
    reading = read_digits(number)
    destination = reading.destination
    if signs[0] == "/" and reading.reason is not Reason.ORDINARY_TEXT:
        return _none(Reason.SLASH, title_for(destination) if destination else None)
    return _none(Reason.TEXT_BESIDE_NUMBER, title_for(destination)) if destination else None


def _numbers(text: str) -> tuple[dict[str, None], bool]:
    """Answer the distinct numbers in a text as titles, and whether anything else looks like one."""
    found: dict[str, None] = {}
    number_like = False
    for match in islice(_RUN.finditer(text), _MOST_RUNS):
        run = match[0]
        if is_date_or_times(run):
            continue
        titles = list(_titles_in(run))
        found.update(dict.fromkeys(titles))
        digits = sum(sign.isdigit() for sign in run)
        number_like = number_like or (not titles and run[0] in "0+(" and 8 <= digits <= 20)
    return found, number_like


def _titles_in(run: str) -> Iterator[str]:
    """Answer the numbers in one run of groups of digits, the longest from the left first."""
    whole = _title(run)
    if whole is not None:
        yield whole
        return
    groups = [group for group in _BETWEEN.split(run[:LONGEST]) if group]
    first = 0
    while first < len(groups) and len(groups) <= _MOST_GROUPS:
        step = 1
        if groups[first][0] in "0+":
            for last in range(len(groups), first, -1):
                title = _title(" ".join(groups[first:last]))
                if title is not None:
                    yield title
                    step = last - first
                    break
        first += step


def _title(run: str) -> str | None:
    """Answer the title for a run that is one number, also one that lacks its 0 or 00."""
    number = spelled(run.strip(" .-"))
    if number is None or len(number.digits) < 7:
        return None
    reading = read_digits(Spelled(number.digits, number.plus, text=""))
    if reading.destination is not None:
        return title_for(reading.destination)
    mobile = number.digits.startswith(("6", "316"))
    return reading.suggestion if mobile else None


def _letters_among_digits(text: str) -> bool:
    """Answer whether this is a number with letters in it: 06-1234567O, 0800-BELNU."""
    if _MIXED_LETTERS.match(text) is None:
        return False
    digits = sum(sign.isdigit() for sign in text)
    joined = re.search(r"[0-9][A-Za-z]|[A-Za-z][0-9]|[0-9]-[A-Za-z]", text) is not None
    return joined and digits >= 4 and text[0] in "0+oO"
