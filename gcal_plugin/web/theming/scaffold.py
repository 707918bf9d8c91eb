"""A new theme: the few files that a brand begins with, which pass `theme check` as they are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from .theme import MANIFEST, ThemeFault

_TOKENS: dict[str, Any] = {
    "$description": "Only what differs from plain. All names: see the README of the themes.",
    "palette": {
        "$type": "color",
        "main": {"$value": "#0b6b57"},
        "main-dark": {"$value": "#084d3f"},
    },
    "color": {
        "$type": "color",
        "brand": {"$value": "{palette.main}"},
        "brand-hover": {"$value": "{palette.main-dark}"},
        "link": {"$value": "{palette.main}"},
        "focus": {"$value": "{palette.main}"},
        "bar": {"$value": "{palette.main}"},
    },
}
_DARK: dict[str, Any] = {
    "palette": {"main": {"$value": "#7fdcc4"}, "main-dark": {"$value": "#a8ead9"}},
    "color": {"on-brand": {"$value": "#04261f"}, "on-bar": {"$value": "#04261f"}},
}
_LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 40" role="img" '
    'aria-label="{title}"><circle cx="18" cy="20" r="14" fill="{mark}"/>'
    '<text x="44" y="28" fill="{ink}" font-family="system-ui, sans-serif" font-size="22" '
    'font-weight="700">{title}</text></svg>\n'
)


def create(name: str, folder: Path) -> list[Path]:
    """Write the files; raises ThemeFault where the name is wrong or taken."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) or len(name) > 40:
        raise ThemeFault(f"{name} is not a name: a-z, 0-9 and hyphens, at most 40")
    root = folder / name
    if root.exists():
        raise ThemeFault(f"{root} exists already")
    title = name.replace("-", " ").title()
    manifest = {
        "name": name,
        "title": title,
        "parent": "plain",
        "version": "1.0.0",
        "tokens": "tokens.json",
        "tokens_dark": "tokens.dark.json",
        "logo": {"light": "logo.svg", "dark": "logo-dark.svg", "alt": title},
    }
    width = 56 + 13 * len(title)
    files = {
        MANIFEST: _json(manifest),
        "tokens.json": _json(_TOKENS),
        "tokens.dark.json": _json(_DARK),
        "static/logo.svg": _LOGO.format(width=width, title=title, mark="#0b6b57", ink="#1b1f27"),
        "static/logo-dark.svg": _LOGO.format(
            width=width, title=title, mark="#7fdcc4", ink="#e9ecf2"
        ),
    }
    written = []
    for place, text in files.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"
