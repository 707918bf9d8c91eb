"""What every command uses: the group, the runtime of the application, one way to print."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import click
import structlog
from flask import current_app
from flask.cli import AppGroup
from redis import Redis

from ..services.runtime import Runtime


def logs_beside_the_answer() -> None:
    """What a command answers is on standard output; logs go to standard error.

    A host that has configured structlog itself keeps what it chose.
    """
    if not structlog.is_configured():
        # Looked up at each line: whoever calls commands from a program may swap the stream.
        structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


HELP = "Calendar-driven call forwarding."
gcal = AppGroup("gcal", help=HELP, callback=logs_beside_the_answer)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words.")


def runtime() -> Runtime:
    """The plugin of the current application."""
    found: Runtime | None = current_app.extensions.get("gcal")
    if found is None:
        raise click.ClickException("this application does not mount the plugin: see docs/mount.md")
    return found


def tell(value: Any, *, as_json: bool, text: str) -> None:
    """Print one answer: JSON for programs, words for people."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str) if as_json else text)


@contextmanager
def progress(what: str, total: int | None, *, task: str) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal (never in what is piped on): call what it gives with what is done.

    Without a `total` it counts. The operators' board shows the same, as `task` (one of
    `jobs.progress.COMMANDS`).
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    from ..jobs.progress import of_command

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    redis = runtime().extras["redis"]
    with (
        Progress(*columns, console=Console(stderr=True), transient=True) as shown,
        of_command(cast(Redis, redis), task, total) as note,
    ):
        bar = shown.add_task(what, total=total)

        def advance(count: int) -> None:
            shown.advance(bar, count)
            note(count)

        yield advance
