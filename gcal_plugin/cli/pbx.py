"""`flask gcal pbx`: try an exchange, move customers between exchanges."""

from __future__ import annotations

import click
from rich.console import Console
from rich.progress import track

from ..ports.telephony import Line
from ..services import checking, moving
from .shared import as_json, gcal, runtime, tell


@gcal.group()
def pbx() -> None:
    """The exchanges of GCAL_TELEPHONY."""


@pbx.command()
@click.argument("name")
@click.option("--domain", help="Domain of a line that may be written to for a moment.")
@click.option("--extension", help="Extension of that line.")
@click.option("--number", default="+31201234567", show_default=True, help="Number to write.")
@as_json
def check(name: str, domain: str | None, extension: str | None, number: str, as_json: bool) -> None:
    """Reach exchange NAME and log in; with a line also write, read back and restore."""
    exchange = runtime().telephony.get(name)
    if exchange is None:
        known = ", ".join(sorted(runtime().telephony))
        raise click.UsageError(f"GCAL_TELEPHONY has no exchange {name}; it has: {known}")
    if (domain is None) != (extension is None):
        raise click.UsageError("--domain and --extension belong together")
    line = Line(domain, extension) if domain and extension else None
    findings = checking.check_exchange(exchange, line, number)
    text = "\n".join(
        f"{'ok  ' if one.ok else 'FAIL'} {one.what} {one.detail} {one.mend}".rstrip()
        for one in findings
    )
    rows = [
        {"what": one.what, "ok": one.ok, "detail": one.detail, "mend": one.mend} for one in findings
    ]
    tell({"exchange": name, "findings": rows}, as_json=as_json, text=text)
    if not all(one.ok for one in findings):
        raise SystemExit(1)


@pbx.command()
@click.option("--tenant", "tenant_id", required=True, help="The tenant's id in the portal.")
@click.option("--domain", required=True, help="The customer's domain on the exchange.")
@click.option("--to", "to_pbx", help="Name of the exchange to move to.")
@click.option("--to-domain", help="The customer's domain there, where it changes.")
@click.option("--extension", help="Only this extension.")
@click.option("--renumber", multiple=True, metavar="OLD=NEW", help="Extensions that change.")
@click.option("--go", is_flag=True, help="Do it; without this only what would be done is shown.")
@as_json
def move(
    tenant_id: str,
    domain: str,
    to_pbx: str | None,
    to_domain: str | None,
    extension: str | None,
    renumber: tuple[str, ...],
    go: bool,
    as_json: bool,
) -> None:
    """Move a customer to another exchange, or renumber extensions; run again to finish one.

    The new line has the current forwards before the old one is cleared. Old lines that could not be
    cleared in an earlier run are tried again.
    """
    rt = runtime()
    pairs = [pair.partition("=") for pair in renumber]
    if any(not old.isdigit() or not new.isdigit() for old, _, new in pairs):
        raise click.UsageError("--renumber wants OLD=NEW, like 200=300")
    try:
        moves = moving.plan_move(
            rt,
            tenant_id=tenant_id,
            domain=domain,
            to_pbx=to_pbx,
            to_domain=to_domain,
            extension=extension,
            renumber={old: new for old, _, new in pairs},
        )
    except (LookupError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    uncleared = moving.leftovers(rt)
    faults = moving.clear_leftovers(rt) if go else []
    if not go:
        done = [moving.Moved(one, error="not done: add --go") for one in moves]
    else:
        steps = track(moves, "moving", console=Console(stderr=True), transient=True)
        done = [moving.carry_out(rt, one) for one in steps]
    rows = [
        {
            "link": str(one.move.link_id),
            "from": [one.move.from_pbx, *one.move.from_line],
            "to": [one.move.to_pbx, *one.move.to_line],
            "error": one.error,
            "old_cleared": one.old_cleared,
        }
        for one in done
    ]
    lines = [f"{row['from']} -> {row['to']} {row['error'] or 'done'}" for row in rows]
    lines += [f"still to clear: {[name, *line]}" for name, line in uncleared if not go]
    lines += [f"not cleared: {fault}" for fault in faults]
    told = {
        "moves": rows,
        "dry_run": not go,
        "uncleared": [[name, *line] for name, line in moving.leftovers(rt)],
    }
    tell(told, as_json=as_json, text="\n".join(lines) or "nothing to move")
    if go and (faults or any(one.error for one in done)):
        raise SystemExit(1)
