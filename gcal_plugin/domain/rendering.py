"""A destination written out: as people read it, and as telephone exchanges want it."""

from __future__ import annotations

from gcal_plugin.domain import numbering
from gcal_plugin.domain.values import Destination, Kind

_HOME = "+31"


def national(destination: Destination) -> str:
    """Write as dialled inside the Netherlands: "0612345678", "0032471234567" or "333"."""
    if destination.kind is Kind.EXTENSION:
        return destination.value
    if destination.value.startswith(_HOME):
        return "0" + destination.value.removeprefix(_HOME)
    return international(destination)


def international(destination: Destination) -> str:
    """Write with 00 in front: "0031612345678"; an extension stays as it is."""
    if destination.kind is Kind.EXTENSION:
        return destination.value
    return "00" + destination.value.removeprefix("+")


def display(value: str | Destination) -> str:
    """Write for people, with spaces: "06 12345678", "+32 471 23 45 67", "333".

    Takes a destination or its canonical value.
    """
    text = value.value if isinstance(value, Destination) else value
    return numbering.spaced(text) if text.startswith("+") else text
