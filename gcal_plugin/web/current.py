"""What this request is about: the runtime, the person, the tenant, the clock."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import abort, current_app, g, has_request_context, redirect, request, session
from flask.typing import ResponseReturnValue

from ..ports import Account, Role, Tenant

if TYPE_CHECKING:
    from ..services.runtime import Runtime
    from .theming.registry import Theming

EXTENSION = "gcal"
THEMING = "gcal_theming"


def runtime() -> Runtime:
    """The plugin's runtime in this application."""
    return cast("Runtime", current_app.extensions[EXTENSION])


def theming() -> Theming:
    """The themes of this application."""
    return cast("Theming", current_app.extensions[THEMING])


def account_or_none() -> Account | None:
    """Who is logged in, asked once a request."""
    if "gcal_account" not in g:
        g.gcal_account = runtime().portal.current_account()
    return cast("Account | None", g.gcal_account)


def account() -> Account:
    """Who is logged in; the views' guard has sent everybody else to the log-in already."""
    found = account_or_none()
    if found is None or found.closed:
        abort(404)
    return found


def tenant() -> Tenant | None:
    """The tenant of this request's host name or account."""
    if "gcal_tenant" not in g:
        found = account_or_none()
        own = runtime().portal.tenant(found.tenant_id) if found else None
        g.gcal_tenant = runtime().portal.current_tenant() or own
    return cast("Tenant | None", g.gcal_tenant)


def locale_code() -> str:
    """The language of this request, by the portal."""
    if not has_request_context():
        return "nl"
    try:  # asked for by every sentence of a page
        return cast("str", g.gcal_locale)
    except AttributeError:
        g.gcal_locale = runtime().portal.locale()
        return cast("str", g.gcal_locale)


def zone() -> ZoneInfo:
    """The time zone in which the tenant's customers read the clock."""
    try:  # asked for by every time on a page
        return cast("ZoneInfo", g.gcal_zone)
    except AttributeError:
        found = tenant()
        g.gcal_zone = ZoneInfo(found.time_zone if found else "Europe/Amsterdam")
        return cast("ZoneInfo", g.gcal_zone)


def now() -> datetime:
    """The instant of this request, by the clock that everything else goes by."""
    if "gcal_now" not in g:
        rt = runtime()
        with rt.store.begin() as db:
            g.gcal_now = rt.store.now(db)
    return cast("datetime", g.gcal_now)


def require_login() -> ResponseReturnValue | None:
    """Send a visitor without a session to the host's log-in, and back here afterwards."""
    if account_or_none() is not None:
        return None
    asked = request.script_root + request.full_path.rstrip("?")
    here = asked if request.method == "GET" else home_path()
    return redirect(runtime().portal.login_url(here))


def require_role(role: Role) -> None:
    """Everybody else gets the same 404 as for a page that does not exist."""
    if role not in account().roles:
        abort(404)


def home_path() -> str:
    """The path of the status page."""
    return request.script_root + runtime().url_prefix + "/"


def session_key() -> str:
    """A secret of this browser's session, to which an attempt to connect is bound."""
    import secrets

    key = session.get("gcal_key")
    if not isinstance(key, str):
        key = session["gcal_key"] = secrets.token_urlsafe(24)
    return key


def link_id_of(values: dict[str, str]) -> UUID | None:
    """The link that an address names; a malformed one is the uniform 404."""
    text = values.get("link_id")
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        abort(404)


def host_of(url: str) -> str:
    """The host (with port) of an address."""
    return urlsplit(url).netloc
