"""`flask gcal risc ...`: the stream of Google's security events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from ..ports import CalendarError
from ..services.runtime import Runtime
from .shared import as_json, gcal, runtime, tell

_Answer = TypeVar("_Answer")


@gcal.group()
def risc() -> None:
    """Google's security events (Cross-Account Protection): set the stream up, look, try it."""


@risc.command()
@as_json
def register(as_json: bool) -> None:
    """Have Google deliver security events to this installation, and switch the stream on."""
    from ..services import security

    address = _asked(security.register)
    tell({"address": address}, as_json=as_json, text=f"Google delivers to {address}")


@risc.command()
@as_json
def status(as_json: bool) -> None:
    """Show the stream as Google has it, and the last event that arrived."""
    from ..services import security

    found = _asked(security.status)
    lines = (f"{key}: {value}" for key, value in sorted(found.items()))
    tell(found, as_json=as_json, text="\n".join(lines))


@risc.command()
@as_json
def test(as_json: bool) -> None:
    """Ask Google for a verification event; `status` shows it when it has arrived."""
    from ..services import security

    state = _asked(security.test)
    tell({"state": state}, as_json=as_json, text=f"asked for a verification that says {state}")


def _asked(ask: Callable[[Runtime], _Answer]) -> _Answer:
    try:
        return ask(runtime())
    except CalendarError as error:
        raise click.ClickException(f"{error} ({error.reason})") from error
