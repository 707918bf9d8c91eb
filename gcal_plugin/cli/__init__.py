"""`flask gcal ...`: one group, its commands in a file a story."""

from __future__ import annotations

from importlib import import_module

from flask.cli import AppGroup

_STORIES = (
    "base",
    "doctor",
    "google",
    "jobs",
    "keys",
    "pbx",
    "privacy",
    "settings",
    "support",
    "theme",
)


def commands() -> AppGroup:
    """The whole group. The stories load here, not at import, to keep a portal's start-up short."""
    from .shared import gcal

    for story in _STORIES:
        import_module(f".{story}", __package__)
    return gcal
