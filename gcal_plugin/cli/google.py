"""`flask gcal sync` and `flask gcal risc ...`: fetching by hand, and the security event stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import click
import sqlalchemy as sa

from ..ports import CalendarError
from ..services.runtime import Runtime
from ..store.tables import Calendar, Link
from .shared import as_json, gcal, runtime, tell

_Answer = TypeVar("_Answer")


@gcal.command()
@click.argument("link", type=click.UUID, required=False)
@as_json
def sync(link: UUID | None, as_json: bool) -> None:
    """Fetch what changed: of one LINK, or of every calendar that is due.

    Ends with 1 where a calendar could not be fetched.
    """
    from ..services import syncing

    rt = runtime()
    if link is None:
        calendar_ids = syncing.due_calendars(rt)
    else:
        with rt.store.begin() as session:
            query = sa.select(Link.calendar_id).join(Calendar, Calendar.id == Link.calendar_id)
            found = session.scalar(query.where(Link.id == link))
        if found is None:
            raise click.ClickException(f"there is no link {link} with a calendar")
        calendar_ids = [found]
    report = syncing.sync_calendars(rt, calendar_ids, urgent=link is not None)
    answer = {
        "synced": len(report.synced),
        "changed": len(report.changed),
        "postponed": len(report.postponed),
        "failed": {str(key): reason for key, reason in report.failed.items()},
        "requests": report.requests,
    }
    text = (
        f"{answer['synced']} fetched, {answer['changed']} with changes, "
        f"{answer['postponed']} postponed, {len(report.failed)} failed"
    )
    for key, reason in sorted(report.failed.items()):
        text += f"\n  {key}: {reason}"
    tell(answer, as_json=as_json, text=text)
    if report.failed:
        raise click.exceptions.Exit(1)


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
