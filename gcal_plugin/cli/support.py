"""`flask gcal provision`, `block`, `kill`, `audit`: what support and operators do by hand."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from uuid import UUID

import click

from ..services import auditing, blocking, guarding
from ..services.onboarding.direct import provision_for
from ..services.onboarding.errors import NotOnExchange, WrongFields
from ..services.onboarding.importing import FileRefused, import_csv
from ..services.refusals import Refusal
from ..store.queries_guards import EVERY_TENANT
from ..store.scope import NotInReach, Reach, Viewer
from .shared import as_json, gcal, progress, runtime, tell

ACTOR = "operator:cli"
_EVERYTHING = Viewer(tenant_id="", account_id="", reach=Reach.ALL)


@gcal.command()
@click.option("--tenant", "tenant_id", required=True, help="The tenant's id in the portal.")
@click.option("--email", help="The portal account that the extension is for.")
@click.option("--extension", help="The extension to make ready.")
@click.option(
    "--csv",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the columns email and extension: all of it, or nothing.",
)
@click.option("--unasked", is_flag=True, help="With --csv: do not ask the exchange for each line.")
@click.option(
    "--again",
    is_flag=True,
    help="With --csv: also the lines whose contract ended, or was cancelled.",
)
@as_json
def provision(
    tenant_id: str,
    email: str | None,
    extension: str | None,
    file: Path | None,
    unasked: bool,
    again: bool,
    as_json: bool,
) -> None:
    """Make an extension, or a file of them, ready to connect; harmless to repeat."""
    rt = runtime()
    if file is not None:
        try:
            with progress("asking the exchange", None, task="import") as advance:
                done = import_csv(
                    rt, tenant_id, file.read_bytes(), who=ACTOR, ask_exchange=not unasked,
                    revive=again, told=advance,
                )  # fmt: skip
        except FileRefused as refused:
            faults = [
                {"line": one.line, "field": one.field, "code": one.code} for one in refused.faults
            ]
            text = "\n".join(
                f"line {one['line']}: {one['field'] or 'file'}: {one['code']}" for one in faults
            )
            tell({"made": 0, "faults": faults}, as_json=as_json, text=f"nothing done\n{text}")
            raise SystemExit(1) from None
        tell(
            {"made": done.made, "there": done.there, "faults": []},
            as_json=as_json,
            text=f"{done.made} made ready, {done.there} were ready already",
        )
        return
    if not email or not extension:
        raise click.UsageError("give --email and --extension, or --csv")
    try:
        request_id = provision_for(rt, tenant_id, email=email, extension=extension, who=ACTOR)
    except WrongFields as wrong:
        raise click.UsageError(str(wrong)) from None
    except NotOnExchange as missing:
        raise click.ClickException(f"the exchange says: {missing.check}") from None
    except Refusal as error:
        raise click.ClickException(error.code) from None
    tell({"request": str(request_id)}, as_json=as_json, text=f"ready: request {request_id}")


@gcal.command()
@click.argument("number")
@click.option("--tenant", "tenant_id", default=EVERY_TENANT, help="Only for this tenant.")
@click.option("--note", default="", help="For your own administration.")
@click.option("--undo", is_flag=True, help="Allow the number again.")
@as_json
def block(number: str, tenant_id: str, note: str, undo: bool, as_json: bool) -> None:
    """Never forward to NUMBER any more (its owner asked so); running forwards end at once."""
    rt = runtime()
    try:
        if undo:
            value = blocking.unblock_number(rt, number, actor=ACTOR, tenant_id=tenant_id)
        else:
            value = blocking.block_number(rt, number, actor=ACTOR, tenant_id=tenant_id, note=note)
    except blocking.NotANumber as error:
        mend = f"; did you mean {error.suggestion}?" if error.suggestion else ""
        raise click.UsageError(f"{error}{mend}") from None
    except LookupError as error:
        raise click.ClickException(str(error)) from None
    words = "allowed again" if undo else "blocked"
    tell({"value": value, "blocked": not undo}, as_json=as_json, text=f"{value} is {words}")


@gcal.command()
@click.option("--tenant", "tenant_id", help="Every extension of this tenant.")
@click.option("--link", "link_id", type=click.UUID, help="Only this extension's link.")
@click.option("--undo", is_flag=True, help="Switch forwarding on again.")
@as_json
def kill(tenant_id: str | None, link_id: UUID | None, undo: bool, as_json: bool) -> None:
    """Switch forwarding off for a tenant or a link: every forward ends within seconds."""
    rt = runtime()
    if (tenant_id is None) == (link_id is None):
        raise click.UsageError("give --tenant or --link")
    if link_id is not None:
        try:
            guarding.kill_link(rt, _EVERYTHING, link_id, actor=ACTOR, on=not undo)
        except NotInReach:
            raise click.ClickException(f"there is no link {link_id}") from None
        lines = 1
    else:
        assert tenant_id is not None
        if rt.portal.tenant(tenant_id) is None:
            raise click.ClickException(f"the portal has no tenant {tenant_id}")
        lines = guarding.kill_tenant(rt, tenant_id, actor=ACTOR, on=not undo)
    words = "on again" if undo else "off"
    tell({"lines": lines, "killed": not undo}, as_json=as_json, text=f"{lines} lines {words}")


@gcal.group()
def audit() -> None:
    """Who did what."""


@audit.command("export")
@click.option("--tenant", "tenant_id", help="Only this tenant's.")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl")
@as_json
def export(tenant_id: str | None, form: str, as_json: bool) -> None:
    """Print the audit log, the oldest first."""
    rows = auditing.export_audit(runtime(), _EVERYTHING, tenant_id)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        names = ("id", "at", "tenant", "actor", "action", "subject", "request", "detail")
        writer.writerow(names)
        for row in rows:
            writer.writerow([_cell(row[name]) for name in names])
    else:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = json.dumps(value, sort_keys=True) if isinstance(value, dict) else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
