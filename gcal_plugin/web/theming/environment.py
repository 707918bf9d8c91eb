"""Templates by theme: stock Jinja loaders in a chain, the theme's name part of the template's.

The name `harbour:gcal/status.html` means: as the theme `harbour` shows it. The host's own templates
are asked first, then the theme, its parents, `plain`, and last the pages as they ship. Jinja caches
by name, so two themes never share a compiled template.

Inside a template, `{% extends "gcal/base.html" %}` stays in the same theme, and
`{% extends "!gcal/status.html" %}` is the template that this one overrides.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flask import Flask
from flask.templating import Environment
from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader, TemplateNotFound

from .theme import Theme

_DELIMITER = ":"
_DEEPER = "!"
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
PAGES = Path(__file__).resolve().parents[1] / "templates"
ENTRY = PAGES.with_name("entry_templates")
"""The macro for the host's settings page, which the host's own environment sees too."""


class ThemedEnvironment(Environment):
    """The host's Jinja environment (its globals, filters, tests) over the themes' templates."""

    layers: dict[str, list[BaseLoader]]

    def join_path(self, template: str, parent: str) -> str:
        """Keep a template that another one names in that one's theme."""
        if _DELIMITER in template:
            return template
        prefix, _, name = parent.partition(_DELIMITER)
        theme, _, depth = prefix.partition(_DEEPER)
        if not template.startswith(_DEEPER):
            return f"{theme}{_DELIMITER}{template}"
        wanted = template.removeprefix(_DEEPER)
        if wanted != name:
            return f"{theme}{_DELIMITER}{wanted}"
        for place in range(int(depth or 0), len(self.layers[theme])):
            if self._has(self.layers[theme][place], name):
                return f"{theme}{_DEEPER}{place + 1}{_DELIMITER}{name}"
        raise TemplateNotFound(template)

    def _has(self, loader: BaseLoader, name: str) -> bool:
        try:
            loader.get_source(self, name)
        except TemplateNotFound:
            return False
        return True


def without_direction_marks(value: Any) -> Any:
    """What a template shows, without marks that turn the reading direction.

    A calendar's name comes from whoever shares it; one such mark in it would have the number that
    stands behind it read backwards.
    """
    # Looked for first: nearly every text has none, and whole pages pass here as one text.
    if isinstance(value, str) and not value.isascii() and _DIRECTION.search(value):
        return type(value)(_DIRECTION.sub("", value))  # Markup stays Markup
    return value


def layers_of(theme: Theme, host: BaseLoader | None = None) -> list[BaseLoader]:
    """Where a theme's templates are looked for, in order."""
    found: list[BaseLoader] = [host] if host is not None else []
    found += [FileSystemLoader(step.folder / "templates") for step in theme.chain]
    found += [FileSystemLoader(PAGES), FileSystemLoader(ENTRY)]
    return found


def make_environment(app: Flask, themes: Sequence[Theme]) -> ThemedEnvironment:
    """One environment for all themes of an application."""
    host = app.jinja_loader
    layers = {theme.name: layers_of(theme, host) for theme in themes}
    options = dict(app.jinja_options)
    options.setdefault("autoescape", app.select_jinja_autoescape)
    options.setdefault("auto_reload", bool(app.config["TEMPLATES_AUTO_RELOAD"] or app.debug))
    options.setdefault("trim_blocks", True)
    options.setdefault("lstrip_blocks", True)
    options.setdefault("finalize", without_direction_marks)
    options["extensions"] = [*options.get("extensions", ()), "jinja2.ext.i18n"]
    environment = ThemedEnvironment(app, loader=_prefixed(layers), **options)
    environment.layers = layers
    # Chained, not copied: what the host adds later is seen, and ours does not leak into the host's.
    for kind in ("globals", "filters", "tests"):
        own, hosts = getattr(environment, kind), getattr(app.jinja_env, kind)
        setattr(environment, kind, ChainMap(dict(own), hosts))
    return environment


class _WholeNames(PrefixLoader):
    """A PrefixLoader whose templates keep the whole name, theme included.

    Jinja's own hands the rest of the name to the loader behind the prefix, and a template would no
    longer know in which theme it stands (nor would the cache).
    """

    load = BaseLoader.load


def _prefixed(layers: Mapping[str, Sequence[BaseLoader]]) -> PrefixLoader:
    prefixes: dict[str, BaseLoader] = {}
    for theme, loaders in layers.items():
        prefixes[theme] = ChoiceLoader(loaders)
        for depth in range(1, len(loaders)):
            prefixes[f"{theme}{_DEEPER}{depth}"] = ChoiceLoader(loaders[depth:])
    return _WholeNames(prefixes, delimiter=_DELIMITER)


def origin(environment: ThemedEnvironment, theme: str, name: str) -> str:
    """The file that a template comes from, for `theme check` and for people who look for it."""
    _, filename, _ = environment.layers[theme][0].get_source(environment, name)
    return filename or name
