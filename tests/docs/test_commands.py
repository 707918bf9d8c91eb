"""Every command in the documentation exists, with every option it is shown with."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from gcal_plugin.cli import commands
from gcal_plugin.cli.settings import commands_table
from tests.support.pages import blocks

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "themes" / "README.md", *(ROOT / "docs").glob("*.md")])
INLINE = re.compile(r"`(flask (?:--app \w+ )?gcal [^`]+)`")
PLAIN = {"mkdir", "cd", "cat", ".", "export", "python3", "pip", "make", "flask"}
PLAIN |= {"install", "systemctl", "pg_dump", "pg_restore"}
"""Programs that a reader has; what they are asked is run by the tests beside this one."""


def lines(page: Path) -> list[str]:
    """The commands of a page: whole console blocks, and `flask gcal` within the text."""
    shown = [block for block in blocks(page) if block.language == "console"]
    return [line for block in shown for line in block.lines] + [
        " ".join(one.split()) for one in INLINE.findall(page.read_text())
    ]


def every_line() -> list[tuple[str, str]]:
    return sorted({(page.name, line) for page in PAGES for line in lines(page)})


def test_there_are_commands_to_check() -> None:
    assert len(every_line()) > 25


@pytest.mark.parametrize(
    ("page", "line"), [one for one in every_line() if "gcal " in one[1] and "flask" in one[1]]
)
def test_flask_gcal_knows_it(page: str, line: str) -> None:
    words = shlex.split(re.sub(r"\.\.\.|[\[\]]|[|>)].*", "", line), comments=True)
    words = words[words.index("gcal") + 1 :]
    command: click.Command = commands()
    context = click.Context(command)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"{page}: no command {name!r} in {line!r}"
        command = found
    known = {option: one for one in command.params for option in one.opts + one.secondary_opts}
    known |= {
        option: one for one in [command.get_help_option(context)] if one for option in one.opts
    }
    while words:
        word = words.pop(0)
        if word.startswith("-") and word != "-":
            option, _, given = word.partition("=")
            assert option in known, f"{page}: {line!r} has no option {option}"
            taken = known[option]
            if isinstance(taken, click.Option) and not taken.is_flag and not given:
                value = words.pop(0) if words else None
                assert value is not None, f"{page}: {line!r} gives {option} no value"
                if isinstance(taken.type, click.Choice):
                    assert value in taken.type.choices, f"{page}: {line!r}: {value}"


@pytest.mark.parametrize(
    ("page", "line"), [one for one in every_line() if one[1].startswith("make ")]
)
def test_make_knows_it(page: str, line: str) -> None:
    target = line.split()[1]
    assert re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), re.MULTILINE), page


def test_every_program_is_one_that_a_reader_has() -> None:
    programs = {Path(shlex.split(line, comments=True)[0]).name for _, line in every_line()} - {""}
    assert {one for one in programs - PLAIN if shutil.which(one) is None} == set()


def test_every_command_is_told_somewhere() -> None:
    """A command that no page names is one that nobody finds."""
    told = "\n".join(page.read_text() for page in PAGES)
    missing = [
        f"{name} {sub}".strip()
        for name, command in commands().commands.items()
        for sub in (command.commands if isinstance(command, click.Group) else [""])
        if f"gcal {name} {sub}".strip() not in " ".join(told.split())
    ]
    assert missing == []


def test_the_table_is_the_code() -> None:
    commands()
    assert commands_table() in (ROOT / "docs" / "commands.md").read_text()
