"""Destinations as digits that a dialplan, an SQL row or a header may hold, and back again.

Whatever leaves for an exchange goes through here: only `[0-9+]` passes, so that no value can end
a string, start a service code or add a header on the other side.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from ..domain.destination import Destination, Kind, international, national
from ..ports.telephony import InvalidDestination, Line, UnknownExtension, Unsupported

NumberFormat = Literal["national", "00", "e164"]

HOME = "31"
"""Country code whose numbers are written with a trunk 0 in the national format."""

_EXTENSION = re.compile(r"[0-9]{2,6}", re.ASCII)
_DIALABLE = re.compile(r"\+?[0-9]{2,17}", re.ASCII)
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?", re.ASCII)
_OWN_EXTENSION = re.compile(r"[0-9]{1,15}", re.ASCII)


@lru_cache(maxsize=8192)
def check_line(line: Line) -> Line:
    """Refuse a line whose domain or extension could mean something else inside an exchange."""
    if not _DOMAIN.fullmatch(line.domain) or ".." in line.domain:
        raise UnknownExtension(f"{line.domain!r} is not a domain")
    if not _OWN_EXTENSION.fullmatch(line.extension):
        raise UnknownExtension(f"{line.extension!r} is not an extension")
    return line


def check_set(
    destinations: Iterable[Destination], *, maximum: int | None, extensions: bool = True
) -> frozenset[Destination]:
    """Refuse a set with too many destinations, or with extensions where none can be."""
    whole = frozenset(destinations)
    if maximum is not None and len(whole) > maximum:
        raise Unsupported(f"{len(whole)} destinations, this exchange takes {maximum}")
    if not extensions:
        for destination in ordered(whole):
            if destination.kind is Kind.EXTENSION:
                raise InvalidDestination(
                    f"this exchange forwards to numbers only, not to {destination.value}",
                    destination=destination,
                )
    return whole


def ordered(destinations: Iterable[Destination]) -> list[Destination]:
    """A set in one fixed order, so that equal sets are written the same."""
    return sorted(destinations)


def dialable(text: str) -> str:
    """The text itself where it is digits with at most one leading plus; else refused."""
    if not _DIALABLE.fullmatch(text):
        raise InvalidDestination(f"{text[:40]!r} is not a number that can be dialled")
    return text


def render(destination: Destination, number_format: NumberFormat) -> str:
    """One destination in the digits that the exchange dials."""
    if number_format == "e164":
        return dialable(destination.value)
    if number_format == "national":
        return dialable(national(destination))
    return dialable(international(destination))


def render_set(destinations: Iterable[Destination], number_format: NumberFormat) -> list[str]:
    """A whole set, rendered, in a fixed order."""
    return [render(one, number_format) for one in ordered(destinations)]


def parse(text: str) -> Destination:
    """What an exchange holds, read back: `+31…`, `0031…` and `0…` are one number.

    Two to six digits are an extension. Raises `InvalidDestination` for anything else.
    """
    dialable(text)
    if _EXTENSION.fullmatch(text):
        return Destination(Kind.EXTENSION, text)
    if text.startswith("+"):
        digits = text[1:]
    elif text.startswith("00"):
        digits = text[2:]
    elif text.startswith("0"):
        digits = HOME + text[1:]
    else:
        digits = text
    try:
        return Destination(Kind.NUMBER, f"+{digits}")
    except ValueError as error:
        raise InvalidDestination(f"the exchange holds {text!r}: {error}") from None


def parse_set(texts: Iterable[str]) -> frozenset[Destination]:
    """A whole set read back; empty entries are none."""
    return frozenset(parse(text) for text in texts if text)
