"""`flask gcal theme`: make one, check one, look at one."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app

from ..web import gallery
from ..web.gallery.export import export
from ..web.theming import scaffold
from ..web.theming.check import check as find_faults
from ..web.theming.theme import ThemeFault, Themes
from .shared import as_json, gcal, runtime, tell


@gcal.group()
def theme() -> None:
    """Brands: tokens, logos and templates in a folder."""


@theme.command()
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where it goes; the first of GCAL_THEMES_FOLDERS, or ./themes.",
)
@as_json
def new(name: str, folder: Path | None, as_json: bool) -> None:
    """Make the theme NAME: a manifest, a few tokens, a logo to replace."""
    folders = runtime().settings.themes_folders
    place = folder or Path(folders[0] if folders else "themes")
    try:
        written = scaffold.create(name, place)
    except ThemeFault as fault:
        raise click.ClickException(str(fault)) from None
    files = [str(path) for path in written]
    told = "\n".join(files) + f"\nNow: flask gcal theme preview {name}"
    if str(place) not in folders:
        told += f"\n(with GCAL_THEMES_FOLDERS={place})"
    tell({"files": files}, as_json=as_json, text=told)


@theme.command()
@click.argument("names", nargs=-1)
@as_json
def check(names: tuple[str, ...], as_json: bool) -> None:
    """Check the themes NAMES (all by default): ends with 1 where there is something to mend."""
    folders = runtime().settings.themes_folders
    found = {name: find_faults(name, folders) for name in names or Themes(folders).names()}
    lines = [f"{name}: {fault}" for name, faults in found.items() for fault in faults] or [
        f"{', '.join(found)}: nothing to mend"
    ]
    value = {
        name: [{"code": one.code, "place": one.place, "text": one.text} for one in faults]
        for name, faults in found.items()
    }
    tell(value, as_json=as_json, text="\n".join(lines))
    if any(found.values()):
        raise SystemExit(1)


@theme.command()
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the pages there instead of serving them.",
)
@click.option("--port", default=5099, show_default=True, help="Where to serve them, on loopback.")
def preview(name: str, out: Path | None, port: int) -> None:
    """Show every page state of the theme NAME with made-up values."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 (a proxy)
    try:
        Themes(runtime().settings.themes_folders).load(name)
    except ThemeFault as fault:
        raise click.ClickException(str(fault)) from None
    if out is not None:
        click.echo(f"{export(app, name, out)} pages; open {out / 'index.html'}")
        return
    from werkzeug.serving import run_simple

    gallery.mount(app)
    click.echo(f"http://127.0.0.1:{port}{gallery.PREFIX}/{name}/nl/forwarding")
    run_simple("127.0.0.1", port, app, threaded=True)
