"""The gallery as files: every page of one theme in a folder, to look at without a server."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask
from markupsafe import escape

from .. import current
from ..i18n import LOCALES
from .mails import KINDS
from .mount import PREFIX, mount
from .pages import PAGES

_ASSET = re.compile(r'(?:href|src|srcset)="(/[^"]+?/static/themes/[^"]+|/static/[^"]+)"')


def export(app: Flask, theme: str, out: Path) -> int:
    """Write the pages and what they load; answers how many pages. KeyError for an unknown theme."""
    mount(app)
    if theme not in app.extensions[current.THEMING].themes:
        raise KeyError(theme)
    client = app.test_client()
    assets: set[str] = set()
    for locale in LOCALES:
        for name in (*PAGES, *KINDS):
            page = client.get(f"{PREFIX}/{theme}/{locale}/{name}").get_data(as_text=True)
            found = set(_ASSET.findall(page))
            for address in found:
                page = page.replace(f'"{address}"', f'"../{_local(address)}"')
            assets |= found
            path = out / locale / f"{name}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, encoding="utf-8")
    for address in sorted(assets):
        path = out / _local(address)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(client.get(address).get_data())
    (out / "index.html").write_text(_index(theme), encoding="utf-8")
    return (len(PAGES) + len(KINDS)) * len(LOCALES)


def _local(address: str) -> str:
    return address.rpartition("/static/")[2].replace("themes/", "assets/", 1)


def _index(theme: str) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th>"
        + "".join(f'<td><a href="{locale}/{name}.html">{locale}</a></td>' for locale in LOCALES)
        + "</tr>\n"
        for name in (*PAGES, *KINDS)
    )
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(theme)}</title>\n'
        f"<h1>{escape(theme)}</h1>\n<table>\n{rows}</table></html>\n"
    )
