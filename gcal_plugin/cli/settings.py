"""`flask gcal settings`: every setting with its meaning, its default and what it is here."""

from __future__ import annotations

import click
from pydantic.fields import FieldInfo

from ..settings import PREFIX, GcalSettings
from .shared import as_json, gcal, runtime, tell


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value in ("", (), {}):
        return "none"
    return f"{value:,}".replace(",", "_") if isinstance(value, int) else str(value)


def markdown_table() -> str:
    """The table of the documentation, made from the declarations themselves."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, field in GcalSettings.model_fields.items():
        meaning = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{PREFIX}{name.upper()}` | `{_default(field)}` | {meaning} |")
    return "\n".join(rows)


def commands_table() -> str:
    """The table of every command, made from the commands themselves."""
    rows = ["| command | what it does |", "|---|---|"]

    def add(command: click.Command, name: str) -> None:
        if isinstance(command, click.Group):
            for sub, one in sorted(command.commands.items()):
                add(one, f"{name} {sub}")
            return
        context = click.Context(command)
        words = [name, *(one.make_metavar(context) for one in command.params if _placed(one))]
        told = (command.help or "").split("\n\n")[0].replace("\n", " ").strip()
        rows.append(f"| `{' '.join(words)}` | {told} |")

    add(gcal, "flask gcal")
    return "\n".join(rows)


def _placed(param: click.Parameter) -> bool:
    return isinstance(param, click.Argument)


@gcal.command("settings")
@click.option("--markdown", is_flag=True, help="Print the documentation's table.")
@as_json
def settings_command(markdown: bool, as_json: bool) -> None:
    """Show every setting; secrets are never printed, only whether they are set."""
    if markdown:
        click.echo(markdown_table())
        return
    values = runtime().settings
    rows = {}
    for name, field in GcalSettings.model_fields.items():
        value = getattr(values, name)
        shown = value if field.repr else ("set" if value else "not set")
        rows[PREFIX + name.upper()] = shown
    tell(rows, as_json=as_json, text="\n".join(f"{key} = {value}" for key, value in rows.items()))
