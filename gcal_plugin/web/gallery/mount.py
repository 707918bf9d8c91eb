"""Showing the gallery: in one request of the host's own application, so that its overrides show."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask, Response, abort, g
from flask.typing import ResponseReturnValue

from .. import current, render
from ..i18n import LOCALES, in_locale
from ..theming.registry import Theming
from ..theming.theme import Themes
from .mails import KINDS, letter
from .pages import PAGES
from .people import NOW, account, tenant

PREFIX = "/gcal-gallery"


def with_themes(app: Flask, names: Iterable[str] | None = None) -> Theming:
    """Have the application know all themes that can be found (or these), also unused ones."""
    runtime = app.extensions[current.EXTENSION]
    wanted = list(names or Themes(runtime.settings.themes_folders).names())
    wanted += app.extensions[current.THEMING].themes
    theming = Theming(app, runtime.settings, wanted)
    app.extensions[current.THEMING] = theming
    render.install(theming)
    return theming


def show(theme: str, locale: str, name: str) -> str:
    """One page of the gallery; needs a request of the application. KeyError for an unknown one."""
    page = PAGES[name]
    chosen = current.theming().themes[theme]
    g.gcal_account = account(locale)
    g.gcal_tenant = tenant(theme, chosen.title)
    g.gcal_now, g.gcal_locale, g.gcal_theme = NOW, locale, theme
    with in_locale(locale):
        return render.page(page.template, **page.make())


def _letter(theme: str, locale: str, name: str) -> Response:
    """A letter as a page; its styles stand in its elements, as mail programs want them."""
    title = current.theming().themes[theme].title
    mail = letter(current.runtime(), theme, title, locale, name)
    response = Response(mail.html, content_type="text/html; charset=utf-8")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src *"
    response.headers["Content-Security-Policy"] = policy
    return response


def mount(app: Flask, prefix: str = PREFIX) -> None:
    """Serve the gallery at `<prefix>/<theme>/<locale>/<page>`. Never in a product's application."""
    theming = with_themes(app)

    def gallery(theme: str, locale: str, name: str) -> ResponseReturnValue:
        if theme not in theming.themes or locale not in LOCALES:
            abort(404)
        if name in KINDS:
            return _letter(theme, locale, name)
        if name not in PAGES:
            abort(404)
        return show(theme, locale, name)

    app.add_url_rule(f"{prefix}/<theme>/<locale>/<name>", "gcal_gallery", gallery)
