"""Preparing a bulk write before the instant at which it must go out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from .telephony import BulkResult, LineState


class Prepared(Protocol):
    """A bulk write of which only the sending is left; may be sent once."""

    def send(self) -> list[BulkResult]:
        """Send now; one result per state, in the order they were given."""
        ...


@runtime_checkable
class Armable(Protocol):
    """An exchange that can do the costly part of `replace_many` ahead of time."""

    def prepare_many(self, states: Sequence[LineState]) -> Prepared:
        """Check and encode; nothing reaches the exchange before `send`."""
        ...
