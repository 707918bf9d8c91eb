"""`flask gcal ...`: one group, its commands in a file a story."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from .services.runtime import Runtime

gcal = AppGroup("gcal", help="Calendar-driven call forwarding.")

_STORIES = ("cli_base", "cli_jobs", "cli_google", "cli_support", "cli_theme", "cli_pbx")


def runtime() -> Runtime:
    """The plugin of the current application."""
    found: Runtime = current_app.extensions["gcal"]
    return found


def tell(value: Any, *, as_json: bool, text: str) -> None:
    """Print one answer: JSON for programs, words for people."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str) if as_json else text)


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words.")


def commands() -> AppGroup:
    """The whole group. The stories load here, not at import, to keep a portal's start-up short."""
    for story in _STORIES:
        import_module(f".{story}", __package__)
    return gcal
