"""The demonstration's people and calendars, relative to today."""

from __future__ import annotations

from .seed import new_account
from .state import State


def fill(state: State) -> None:
    """Three people with their calendars."""
    for email in ("jan@bakkerij-jansen.example", "praktijk@tandarts-devries.example",
                  "jan.prive@gmail.example"):
        new_account(state, email)
