"""A title -> a destination, or the reason why it is none and the repair."""

from __future__ import annotations

from gcal_plugin.domain.reasons import Reason
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


def read_title(title: str | None) -> Reading:
    """Read a whole title as one destination. Never raises, whatever the title is."""
    raise NotImplementedError
