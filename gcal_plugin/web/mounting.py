"""What happens around every page: log-in first, uniform 404s, headers, themes made at the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from flask import Blueprint, Flask, Response, g, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from ..logs import request_name
from ..services.letters import MAIL_THEMES, MailTheme
from ..services.runtime import Runtime
from ..store.scope import NotInReach
from . import current, render
from .i18n import gettext as _
from .theming.registry import Theming
from .theming.theme import ThemeFault, Themes

log = structlog.get_logger(__name__)


def prepare(
    app: Flask, blueprint: Blueprint, runtime: Runtime, *, open_endpoints: AbstractSet[str]
) -> None:
    """Load every theme that a tenant names, and hang the guards on the blueprint."""
    theming = Theming(app, runtime.settings, _themes(app, runtime))
    app.extensions[current.THEMING] = theming
    render.install(theming)
    runtime.extras[MAIL_THEMES] = partial(mail_theme, theming)
    blueprint.before_request(_name_request)
    blueprint.teardown_request(_forget_name)
    blueprint.before_request(partial(_guard, open_endpoints))
    blueprint.after_request(_headers)
    blueprint.register_error_handler(NotInReach, _not_found)
    blueprint.register_error_handler(404, _not_found)
    blueprint.register_error_handler(CSRFError, _csrf_fault)
    blueprint.register_error_handler(413, _too_large)


def _themes(app: Flask, runtime: Runtime) -> set[str]:
    """What the tenants name. Every sound theme that there is where they cannot be asked for: their
    database may be away or have no tables yet, and the commands that mend that must start too."""
    try:
        with app.app_context():
            return {tenant.theme for tenant in runtime.portal.tenants()} - {""}
    except Exception as error:  # noqa: BLE001 (the host's own code)
        log.warning("tenants_unknown_at_start", error=type(error).__name__)
    themes = Themes(runtime.settings.themes_folders)
    return {name for name in themes.names() if _is_sound(themes, name)}


def _is_sound(themes: Themes, name: str) -> bool:
    try:
        themes.load(name)
    except ThemeFault as fault:
        log.error("theme_left_out", theme=name, fault=str(fault))
        return False
    return True


def exempt_from_csrf(app: Flask, views: Sequence[Callable[..., Any]]) -> None:
    """Let machines in that bring their own proof, where the host guards every POST with a token.

    The host may set its CSRFProtect up after us, so it is told at each request, before it looks.
    """

    def tell() -> None:
        guard = app.extensions.get("csrf")
        if guard is not None:
            for view in views:
                guard.exempt(view)

    app.before_request_funcs.setdefault(None, []).insert(0, tell)


def _name_request() -> None:
    """Let the audit log name the request also where the host's logs do not."""
    if "request_id" not in structlog.contextvars.get_contextvars():
        structlog.contextvars.bind_contextvars(request_id=request_name())
        g.gcal_named = True


def _forget_name(_error: BaseException | None) -> None:
    if g.pop("gcal_named", False):
        structlog.contextvars.unbind_contextvars("request_id")


def _guard(open_endpoints: AbstractSet[str]) -> ResponseReturnValue | None:
    if request.endpoint in open_endpoints:
        return None
    return current.require_login()


def _headers(response: Response) -> Response:
    """Pages of one person are nobody else's to keep. Policies for a site are the host's."""
    if request.endpoint != "gcal.asset":
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


def _not_found(_error: Exception) -> ResponseReturnValue:
    """The same answer for what does not exist and for what is somebody else's."""
    heading, text = _("Page not found"), _("This page does not exist, or is not yours.")
    return _error_page(heading, text, 404)


def _csrf_fault(_error: Exception) -> ResponseReturnValue:
    heading = _("Please try again")
    return _error_page(heading, _("This page was open for too long. Nothing has changed."), 400)


def _too_large(_error: Exception) -> ResponseReturnValue:
    heading = _("Please try again")
    return _error_page(heading, _("That was too much text. Nothing has changed."), 413)


def _error_page(heading: str, text: str, status: int) -> ResponseReturnValue:
    if request.endpoint in {None, "gcal.asset"} or "gcal_theme" in g:
        return heading, status
    home = current.home_path()
    return render.page("error.html", heading=heading, text=text, home=home), status


def mail_theme(theming: Theming, name: str) -> MailTheme:
    """What a theme means for letters: its own templates, and its colours."""
    theme = theming.pick(name)
    header = theme.first("mail_header")
    folders = [step.folder / "templates" / "mail" for step in theme.chain]
    path = ""
    if header:
        digest = theming.digest(theme, header)
        path = f"/static/themes/{theme.name}/{digest}/{header}"
    return MailTheme(
        name=theme.name,
        folders=tuple(folder for folder in folders if Path(folder).is_dir()),
        light={token.path: token.css for token in theme.light.values()},
        dark={token.path: token.css for token in theme.dark.values()},
        header=path,
    )
