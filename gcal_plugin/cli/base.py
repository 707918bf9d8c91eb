"""`flask gcal db`, `explain` and `sync`: the commands that everybody starts with."""

from __future__ import annotations

import json
import sys
from io import TextIOWrapper
from typing import Any
from uuid import UUID

import click

from ..domain.policy import Verdict, explain
from ..store import migrate
from .shared import as_json, gcal, progress, runtime, tell


@gcal.group()
def db() -> None:
    """The plugin's own tables and their version."""


@db.command()
@click.argument("revision", default="head")
@as_json
def upgrade(revision: str, as_json: bool) -> None:
    """Bring the tables up to REVISION (the newest by default)."""
    held = migrate.upgrade(runtime().store.engine, revision)
    tell({"revision": held}, as_json=as_json, text=f"the tables are at {held}")


@db.command()
@click.argument("revision")
@as_json
def downgrade(revision: str, as_json: bool) -> None:
    """Take the tables back to REVISION ("base" removes them)."""
    held = migrate.downgrade(runtime().store.engine, revision)
    tell({"revision": held}, as_json=as_json, text=f"the tables are at {held or 'nothing'}")


@db.command()
@as_json
def current(as_json: bool) -> None:
    """Show the revision that the database holds, and the newest that this version ships."""
    held, newest = migrate.current(runtime().store.engine), migrate.head()
    tell(
        {"revision": held, "head": newest},
        as_json=as_json,
        text=f"{held or 'nothing'} (newest: {newest})",
    )
    if not migrate.serves(held):
        raise SystemExit(1)


@gcal.command("explain")
@click.argument("title", required=False)
@click.option("--link", "link_id", type=click.UUID, help="Explain this link's schedule.")
@click.option("--at", "at", help="An instant (ISO 8601, with offset); now by default.")
@as_json
def explain_command(title: str | None, link_id: UUID | None, at: str | None, as_json: bool) -> None:
    """Say what TITLE would do, or what a link does at an instant.

    TITLE "-" reads one title a line from standard input and prints one JSON object a line.
    """
    if link_id is not None:
        from .jobs import explain_link

        explain_link(link_id, at, as_json=as_json)
    elif title is None:
        raise click.UsageError("give a title, - for standard input, or --link")
    elif title == "-":
        # Only a line feed ends a title here: other separators are part of what is judged.
        for line in TextIOWrapper(sys.stdin.buffer, "utf-8", errors="replace", newline="\n"):
            one = line.removesuffix("\n").removesuffix("\r")
            click.echo(json.dumps(verdict_json(one, explain(one)), ensure_ascii=False))
    else:
        verdict = explain(title)
        tell(verdict_json(title, verdict), as_json=as_json, text=_words(verdict))


def verdict_json(title: str, verdict: Verdict) -> dict[str, Any]:
    """The stable shape of one verdict."""
    return {
        "title": title,
        "kind": verdict.kind.value,
        "value": verdict.value,
        "allowed": verdict.allowed,
        "reason": verdict.reason.value if verdict.reason else None,
        "suggestion": verdict.suggestion,
    }


def _words(verdict: Verdict) -> str:
    if verdict.allowed:
        return f"forwards to {verdict.value}"
    reason = verdict.reason.value if verdict.reason else "unknown"
    mend = f"; did you mean {verdict.suggestion}?" if verdict.suggestion else ""
    return f"does not forward: {reason}{mend}"


@gcal.command()
@click.argument("link_id", required=False, type=click.UUID)
@click.option(
    "--older-than",
    default=600.0,
    show_default=True,
    help="Without LINK_ID: leave out what was fetched less than so many seconds ago, so that a "
    "run which was cut short goes on where it stopped.",
)
@as_json
def sync(link_id: UUID | None, older_than: float, as_json: bool) -> None:
    """Fetch a link's calendar now, or every calendar that is followed."""
    from ..services import resyncing

    rt = runtime()
    try:
        wanted = (
            resyncing.not_fetched_since(rt, older_than)
            if link_id is None
            else [resyncing.calendar_of(rt, link_id)]
        )
    except resyncing.NoCalendar:
        raise click.BadParameter("no such link, or it follows no calendar") from None
    with progress("fetching", len(wanted), task="sync") as advance:
        report = resyncing.fetch(rt, wanted, told=advance)
    counts: dict[str, Any] = {
        "calendars": len(wanted),
        "synced": len(report.synced),
        "changed": len(report.changed),
        "postponed": len(report.postponed),
        "failed": {str(key): reason for key, reason in report.failed.items()},
        "requests": report.requests,
    }
    words = ", ".join(
        f"{key}: {len(value) if isinstance(value, dict) else value}"
        for key, value in counts.items()
    )
    faults = "".join(f"\n  {key}: {reason}" for key, reason in counts["failed"].items())
    tell(counts, as_json=as_json, text=words + faults)
    if report.failed:
        raise SystemExit(1)
