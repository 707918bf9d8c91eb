"""What every command uses: the group, the runtime of the application, one way to print."""

from __future__ import annotations

import json
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from ..services.runtime import Runtime

gcal = AppGroup("gcal", help="Calendar-driven call forwarding.")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words.")


def runtime() -> Runtime:
    """The plugin of the current application."""
    found: Runtime = current_app.extensions["gcal"]
    return found


def tell(value: Any, *, as_json: bool, text: str) -> None:
    """Print one answer: JSON for programs, words for people."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str) if as_json else text)
