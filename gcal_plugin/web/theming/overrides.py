"""Whether a theme's templates override something, whole, and keep to the strict content policy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError, nodes

from ...services.letters import FOLDER as MAILS
from .environment import PAGES
from .faults import Code, Fault
from .theme import Theme

_INLINE = (
    (
        re.compile(r"<[a-z][^>]*\sstyle\s*=", re.IGNORECASE),
        "has a style attribute; put it in theme.css",
    ),
    (re.compile(r"<style[\s>]", re.IGNORECASE), "has a style element; put it in theme.css"),
    (re.compile(r"<script(?![^>]*\ssrc=)[^>]*>", re.IGNORECASE), "has an inline script"),
    (re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.IGNORECASE), "has an event handler in its markup"),
    (
        re.compile(r"(?:src|href)\s*=\s*[\"'](?:https?:)?//", re.IGNORECASE),
        "loads from, or leads to, a fixed host",
    ),
)
_PARSER = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)


def check(theme: Theme) -> Iterator[Fault]:
    """The faults of every template in the theme's own folder."""
    root = theme.folder / "templates"
    own = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*.*"))}
    mails = {name: path for name, path in own.items() if name.startswith("mail/")}
    pages = {name: path for name, path in own.items() if name not in mails}
    parsed: dict[str, nodes.Template] = {}
    for name, path in pages.items():
        text = path.read_text(encoding="utf-8")
        try:
            parsed[name] = _PARSER.parse(text, name)
        except TemplateSyntaxError as error:
            yield Fault(Code.TEMPLATE, f"templates/{name}:{error.lineno}", str(error.message))
            continue
        yield from _inline(name, text)
    below = _below(theme)
    used = {aim for tree in parsed.values() for aim in _aims(tree)}
    for name, tree in parsed.items():
        if name in below:
            yield from _blocks(name, tree, below[name], below)
        elif name not in used:
            yield Fault(Code.OVERRIDE, f"templates/{name}", "overrides nothing and is used nowhere")
    for name in mails:
        if not (MAILS / name.removeprefix("mail/")).is_file():
            yield Fault(Code.MAIL, f"templates/{name}", "overrides no letter")


def _inline(name: str, text: str) -> Iterator[Fault]:
    for line, words in enumerate(text.splitlines(), start=1):
        for pattern, what in _INLINE:
            if pattern.search(words):
                yield Fault(Code.TEMPLATE, f"templates/{name}:{line}", what)


def _below(theme: Theme) -> dict[str, Path]:
    """What the theme's templates may override: its parents' and the pages as they ship."""
    found: dict[str, Path] = {}
    folders = [step.folder / "templates" for step in theme.chain[1:]] + [PAGES]
    for folder in folders:
        for path in folder.rglob("*.html"):
            found.setdefault(path.relative_to(folder).as_posix(), path)
    return found


def _aims(tree: nodes.Template) -> Iterator[str]:
    """The templates that one names: extends, include, import."""
    kinds = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
    for node in tree.find_all(kinds):
        aim = getattr(node, "template", None)
        if isinstance(aim, nodes.Const):
            yield str(aim.value).removeprefix("!")


def _names(tree: nodes.Template) -> set[str]:
    return {block.name for block in tree.find_all(nodes.Block)}


def _parents(tree: nodes.Template) -> list[str]:
    return [
        str(node.template.value)
        for node in tree.find_all(nodes.Extends)
        if isinstance(node.template, nodes.Const)
    ]


def _blocks(
    name: str, tree: nodes.Template, original: Path, below: Mapping[str, Path]
) -> Iterator[Fault]:
    """A replacement keeps every block of its original; an extension adds none that nobody shows."""
    original_tree = _PARSER.parse(original.read_text(encoding="utf-8"), name)
    own, wanted = _names(tree), _names(original_tree)
    parents = _parents(tree)
    if f"!{name}" not in parents:
        for missing in sorted(wanted - own - _inherited(parents, below)):
            text = f"block {missing} of the original is missing"
            yield Fault(Code.BLOCK, f"templates/{name}", text)
    if parents:
        shown = wanted | _inherited([*parents, *_parents(original_tree)], below)
        nested = {
            inner.name
            for block in tree.find_all(nodes.Block)
            for inner in block.find_all(nodes.Block)
        }
        for strange in sorted(own - shown - nested):
            yield Fault(Code.BLOCK, f"templates/{name}", f"block {strange} overrides nothing")


def _inherited(parents: list[str], below: Mapping[str, Path]) -> set[str]:
    """The blocks of the templates that are extended, and of those that they extend."""
    found: set[str] = set()
    waiting, seen = [parent.removeprefix("!") for parent in parents], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in below:
            continue
        seen.add(name)
        tree = _PARSER.parse(below[name].read_text(encoding="utf-8"), name)
        found |= _names(tree)
        waiting += [parent.removeprefix("!") for parent in _parents(tree)]
    return found
