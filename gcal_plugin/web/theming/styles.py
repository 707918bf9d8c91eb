"""Whether a theme's stylesheets parse, stay on this host, and name only tokens that exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tinycss2  # type: ignore[import-untyped]  # has no types

from .faults import Code, Fault
from .theme import Theme
from .tokens import PREFIX


def check(theme: Theme) -> Iterator[Fault]:
    """The faults of every stylesheet in the theme's own folder."""
    known = {token.property for token in theme.light.values()}
    root = theme.folder / "static"
    for path in sorted(root.rglob("*.css")):
        name = f"static/{path.relative_to(root)}"
        for line, text in _faults(path, known):
            yield Fault(Code.CSS, f"{name}:{line}", text)


def _faults(path: Path, known: set[str]) -> Iterator[tuple[int, str]]:
    rules = tinycss2.parse_stylesheet(
        path.read_text(encoding="utf-8"), skip_comments=True, skip_whitespace=True
    )
    yield from _rules(rules, known)


def _rules(rules: Iterable[Any], known: set[str]) -> Iterator[tuple[int, str]]:
    for rule in rules:
        if rule.type == "error":
            yield rule.source_line, rule.message
        elif rule.type == "at-rule":
            yield from _at_rule(rule, known)
        elif rule.type == "qualified-rule":
            yield from _block(rule.content, known)


def _at_rule(rule: Any, known: set[str]) -> Iterator[tuple[int, str]]:
    if rule.lower_at_keyword == "import":
        yield rule.source_line, "@import is not needed: a page loads tokens, gcal.css and theme.css"
    if rule.content is None:
        return
    if rule.lower_at_keyword in {"media", "supports", "layer", "container"}:
        inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
        yield from _rules(inner, known)
    else:
        yield from _block(rule.content, known)


def _block(content: Iterable[Any], known: set[str]) -> Iterator[tuple[int, str]]:
    items = tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True)
    for item in items:
        if item.type == "error":
            yield item.source_line, item.message
        elif item.type == "declaration":
            yield from _values(item.value, known)
        else:
            yield from _rules([item], known)


def _values(values: Iterable[Any], known: set[str]) -> Iterator[tuple[int, str]]:
    for value in values:
        if value.type == "url" and _elsewhere(value.value):
            yield value.source_line, f"{value.value} is on another host; put the file in static/"
        elif value.type == "function":
            if value.lower_name == "var":
                yield from _variable(value, known)
            if value.lower_name == "url":
                for one in value.arguments:
                    if one.type == "string" and _elsewhere(one.value):
                        yield one.source_line, f"{one.value} is on another host"
            yield from _values(value.arguments, known)
        elif value.type in {"() block", "[] block", "{} block"}:
            yield from _values(value.content, known)


def _variable(value: Any, known: set[str]) -> Iterator[tuple[int, str]]:
    for one in value.arguments:
        if one.type == "ident" and one.value.startswith(PREFIX) and one.value not in known:
            yield one.source_line, f"{one.value} is no token"


def _elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in {"", "data"}
