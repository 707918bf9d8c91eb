"""`flask gcal privacy`: everything about one account, handed out or erased."""

from __future__ import annotations

import json

import click

from ..services import privacy as one_person
from .shared import as_json, gcal, runtime, tell
from .support import ACTOR


@gcal.group()
def privacy() -> None:
    """One person's data."""


@privacy.command("export")
@click.option("--tenant", "tenant_id", required=True, help="The tenant's id in the portal.")
@click.option("--account", "account_id", required=True, help="The account's id in the portal.")
@as_json
def export(tenant_id: str, account_id: str, as_json: bool) -> None:
    """Print everything that is stored about an account, as JSON; never a token."""
    found = one_person.export_account(runtime(), tenant_id, account_id)
    click.echo(json.dumps(found, ensure_ascii=False, indent=None if as_json else 2))


@privacy.command("erase")
@click.option("--tenant", "tenant_id", required=True, help="The tenant's id in the portal.")
@click.option("--account", "account_id", required=True, help="The account's id in the portal.")
@click.option("--address", default="", help="Its e-mail address, where the portal forgot it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def erase(tenant_id: str, account_id: str, address: str, yes: bool, as_json: bool) -> None:
    """End an account's links, withdraw access at Google, delete every row about it.

    Answers 1 where an exchange did not clear a forward yet: run it again then.
    """
    if not yes:
        click.confirm(f"Erase everything about account {account_id} of {tenant_id}?", abort=True)
    counts = one_person.erase_account(
        runtime(), tenant_id, account_id, actor=ACTOR, address=address
    )
    text = "\n".join(f"{table}: {count}" for table, count in counts.items() if count)
    tell(counts, as_json=as_json, text=text or "there was nothing")
    if counts["pending"]:
        raise SystemExit(1)
