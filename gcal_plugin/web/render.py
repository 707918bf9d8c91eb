"""Showing a page: the theme of this request, and the words that templates use."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, request, url_for
from werkzeug.routing import BuildError

from . import current, formats, i18n, words
from .coming import coming
from .icons import icon, symbols, used
from .theming.registry import TOKENS, Theming
from .theming.theme import Theme


def page(template: str, **context: Any) -> str:
    """Render `gcal/<template>` in the theme of this request."""
    context.setdefault("in_link", "link_id" in (request.view_args or {}))
    return current.theming().render(theme(), f"gcal/{template}", context)


def host_page(template: str, **context: Any) -> str:
    """Render a page of the host's own in the theme of this request (for a portal that wants to)."""
    return current.theming().render(theme(), template, context)


def theme() -> Theme:
    """The theme that the portal names for this request's tenant."""
    tenant = current.tenant()
    named: str | None = g.get("gcal_theme") or (tenant.theme if tenant is not None else None)
    return current.theming().pick(named)


def asset(name: str) -> str:
    """The address of a static file of this request's theme; changes with the file."""
    chosen = theme()
    digest = current.theming().digest(chosen, name)
    return url_for("gcal.asset", theme=chosen.name, digest=digest, name=name)


def logo(kind: str = "light") -> str:
    """The address of the theme's logo; empty where the theme has none."""
    found = theme().first("logo")
    name = found and (found.dark or found.light if kind == "dark" else found.light)
    return asset(name) if name else ""


def host_nonce() -> str:
    """The nonce of the host's Content-Security-Policy, where it has one."""
    maker = current_app.jinja_env.globals.get("csp_nonce")
    nonce = maker() if callable(maker) else getattr(g, "csp_nonce", "")
    return str(nonce or "")


def optional_url(endpoint: str, **values: Any) -> str:
    """The address of a page that this installation may not have; empty where it has not."""
    try:
        return url_for(endpoint, **values)
    except BuildError:
        return ""


def portal_home() -> str:
    """The portal's own settings page."""
    return current.runtime().portal.settings_url()


def install(theming: Theming) -> None:
    """Give the templates their words."""
    environment = theming.environment
    i18n_install = environment.install_gettext_callables  # type: ignore[attr-defined]  # extension
    i18n_install(i18n.domain.gettext, i18n.domain.ngettext, newstyle=True)
    environment.globals.update(
        asset=asset,
        draw_icon=icon,
        icon_symbols=symbols,
        icon_used=used,
        logo=logo,
        gcal_nonce=host_nonce,
        gcal_locale=i18n.locale,
        gcal_account=current.account_or_none,
        gcal_tenant=current.tenant,
        gcal_runtime=current.runtime,
        gcal_now=current.now,
        tokens_file=TOKENS,
        words=words,
        coming=coming,
        optional_url=optional_url,
        portal_home=portal_home,
    )
    environment.filters.update(formats.FILTERS)
