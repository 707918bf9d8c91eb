"""`flask gcal ...`: one group, its commands in a file a story."""

from __future__ import annotations

from importlib import import_module

import click
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
    """The whole group."""
    from .shared import gcal

    for story in _STORIES:
        import_module(f".{story}", __package__)
    return gcal


class CommandsOnDemand(AppGroup):
    """The same group for an application that mostly serves pages.

    The stories load when a command is asked for: a web worker never asks, and what only commands
    need (bars on a terminal, the judge of colours) would be five megabytes of each.
    """

    def __init__(self) -> None:
        from .shared import HELP, logs_beside_the_answer

        super().__init__("gcal", help=HELP, callback=logs_beside_the_answer)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in their order."""
        return commands().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        return commands().get_command(ctx, cmd_name)
