"""The themes of one application, and rendering a page in the one that this request asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask, current_app, template_rendered

from ...settings import GcalSettings
from .environment import make_environment
from .theme import ROOT, Theme, Themes

STATIC = Path(__file__).resolve().parents[1] / "static" / "gcal"
TOKENS = "tokens.css"


class Theming:
    """Made at the start, with every theme that may be asked for; a wrong one stops the start."""

    def __init__(self, app: Flask, settings: GcalSettings, names: Iterable[str]) -> None:
        themes = Themes(settings.themes_folders)
        wanted = {ROOT, settings.theme, *names}
        self.themes: Mapping[str, Theme] = {name: themes.load(name) for name in sorted(wanted)}
        self.default = settings.theme
        self.environment = make_environment(app, list(self.themes.values()))
        self._digests: dict[tuple[str, str], str] = {}
        self._keep_digests = not app.debug

    def pick(self, name: str | None) -> Theme:
        """The theme by name; one that appeared after the start is not served half-checked."""
        return self.themes.get(name or self.default) or self.themes[self.default]

    def render(self, theme: Theme, template: str, context: Mapping[str, Any]) -> str:
        """A page in a theme, with what the host's and the plugin's context processors add."""
        app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 (a proxy)
        found = self.environment.get_template(f"{theme.name}:{template}")
        values = dict(context)
        values["theme"] = theme
        app.update_template_context(values)
        page = found.render(values)
        template_rendered.send(app, template=found, context=values)
        return page

    def file(self, theme: Theme, name: str) -> Path | None:
        """A static file: the theme's, its parents', or one of the pages' own."""
        found = theme.find(name)
        if found is not None:
            return found
        path = (STATIC / name).resolve()
        return path if path.is_relative_to(STATIC) and path.is_file() else None

    def digest(self, theme: Theme, name: str) -> str:
        """A short hash of a file's content, so that its address changes when it does."""
        key = (theme.name, name)
        known = self._digests.get(key)
        if known is None:
            known = hashlib.sha256(self.content(theme, name)).hexdigest()[:12]
            if self._keep_digests:
                self._digests[key] = known
        return known

    def content(self, theme: Theme, name: str) -> bytes:
        """The bytes of a static file; raises LookupError."""
        if name == TOKENS:
            return theme.stylesheet.encode()
        path = self.file(theme, name)
        if path is None:
            raise LookupError(f"theme {theme.name} has no static file {name}")
        return path.read_bytes()
