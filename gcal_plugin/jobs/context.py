"""The runtime of the application that a job, or a thread of one, runs for."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app

from ..services.runtime import Runtime

EXTENSION = "gcal"


def runtime() -> Runtime:
    """The plugin's runtime in the current application."""
    return cast(Runtime, current_app.extensions[EXTENSION])


def runtime_of(app: Flask) -> Runtime:
    """The plugin's runtime in an application."""
    return cast(Runtime, app.extensions[EXTENSION])
