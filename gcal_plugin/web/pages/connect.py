"""To Google and back."""

from __future__ import annotations

from urllib.parse import urlencode

import structlog
from flask import flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from ...ports import CalendarError
from ...services import linking
from ...services.reporting import PageState
from .. import current, hosts
from ..i18n import gettext as _
from . import outcome
from .common import back, page_url, pressed, the_link

log = structlog.get_logger(__name__)
_CONNECTING = "gcal_connecting"


def begin(link_id: str | None = None) -> ResponseReturnValue:
    """Store an attempt of this session and send the browser to Google."""
    link = the_link(link_id)
    if not pressed():
        return back(link)
    rt = current.runtime()
    redirect_uri, return_host = hosts.callback(rt)
    session[_CONNECTING] = str(link) if link_id else ""
    try:
        address = linking.begin_connect(
            rt,
            current.account(),
            link,
            session_key=current.session_key(),
            redirect_uri=redirect_uri,
            return_host=return_host,
        )
    except CalendarError as error:
        log.warning("connect_unreachable", reason=error.reason)
        flash(_("Google does not answer right now. Try again in a moment."), "bad")
        return back(link)
    except linking.LinkingError:
        flash(_("This extension cannot be connected now."), "bad")
        return back(link)
    return redirect(address, 303)


def callback() -> ResponseReturnValue:
    """Back from Google: finish here, or hand over to the host name where the person began."""
    rt = current.runtime()
    state = request.args.get("state", "")
    elsewhere = hosts.hand_over(rt, linking.return_host_of(rt, state) if state else None)
    if elsewhere:
        query = {
            key: request.args[key]
            for key in ("state", "code", "error", "iss", "scope")
            if key in request.args
        }
        return redirect(f"{elsewhere}?{urlencode(query)}", 303)
    login = current.require_login()
    if login is not None:
        return login
    return _finish(state)


def _finish(state: str) -> ResponseReturnValue:
    rt, account = current.runtime(), current.account()
    link_id = session.pop(_CONNECTING, "") or None
    status = url_for("gcal.status", link_id=link_id) if link_id else url_for("gcal.status")
    try:
        found = linking.finish_connect(
            rt,
            account,
            session_key=current.session_key(),
            state=state,
            code=request.args.get("code"),
            error=request.args.get("error"),
            issuer=request.args.get("iss"),
        )
        kept = linking.reconnect_same(rt, account, found.link_id, session_key=current.session_key())
    except linking.ConsentCancelled:
        outcome.put(PageState.CANCELLED)
        return redirect(status, 303)
    except linking.ScopesMissing as missing:
        outcome.put(PageState.SCOPE, missing=sorted(missing.missing))
        return redirect(status, 303)
    except linking.LinkingError as error:
        flash(refusal(error), "bad")
        return redirect(status, 303)
    except CalendarError as error:
        log.warning("connect_failed", reason=error.reason, status=error.status)
        flash(_("Google did not finish this. Nothing has changed; try again."), "bad")
        return redirect(status, 303)
    if kept is not None:
        flash(_("Connected again as %(email)s.", email=found.email), "ok")
        return redirect(status, 303)
    chosen = url_for("gcal.calendars", link_id=link_id) if link_id else page_url("calendars", None)
    return redirect(chosen, 303)


def refusal(error: linking.LinkingError) -> str:
    """Why the way back from Google was refused, and what to do."""
    words = {
        "state": _("This step was done before, or never began here. Connect again."),
        "expired": _("This took too long. Connect again."),
        "session": _("You began in another browser. Connect again in this one."),
        "account": _("You began as somebody else. Connect again."),
        "no_refresh_token": _("Google gave no lasting access. Connect again and agree."),
        "not_ready": _("This extension cannot be connected now."),
    }
    return words.get(error.code, _("Google did not finish this. Nothing has changed; try again."))
