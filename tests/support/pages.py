"""The blocks of a documentation page, as its reader copies them."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(
    r'^( *)```(\w+)(?: title="([^"]+)")?\n(.*?)^\1```$', re.MULTILINE | re.DOTALL
)  # fmt: skip


class Block(NamedTuple):
    """`title` is empty where the page gives none; `text` ends with a newline."""

    language: str
    title: str
    text: str

    @property
    def lines(self) -> list[str]:
        """What is typed, a command each."""
        return [line for line in self.text.splitlines() if line]


def blocks(page: Path, *, heading: str = "") -> list[Block]:
    """Every block of a page, or of what stands below one of its headings."""
    text = page.read_text()
    if heading:
        level = heading.partition(" ")[0]
        text = text.partition(f"\n{heading}\n")[2]
        text = re.split(rf"^#{{1,{len(level)}}} ", text, maxsplit=1, flags=re.MULTILINE)[0]
        assert text, f"{page.name} has no {heading}"
    return [
        Block(language, title, dedent(inside))
        for _, language, title, inside in _BLOCK.findall(text)
    ]
