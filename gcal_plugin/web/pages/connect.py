"""To Google and back."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

import structlog
from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ...ports import CalendarError
from ...services import linking
from ...services.reporting import PageState, link_ids
from .. import current, hosts
from ..i18n import gettext as _
from . import outcome
from .common import back, pressed, the_link

log = structlog.get_logger(__name__)


def begin(link_id: str | None = None) -> ResponseReturnValue:
    """Store an attempt of this session and send the browser to Google."""
    link = the_link(link_id)
    if not pressed():
        return back(link)
    rt = current.runtime()
    redirect_uri, return_host = hosts.callback(rt)
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
    """Use up the attempt; each tab goes back to the link that its own attempt was for."""
    rt, account = current.runtime(), current.account()
    link = linking.attempted_link(rt, account, state) if state else None
    status = _page_of("status", link)
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
        outcome.put(PageState.CANCELLED, link)
        return redirect(status, 303)
    except linking.ScopesMissing as missing:
        outcome.put(PageState.SCOPE, link, missing=sorted(missing.missing))
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
    return redirect(_page_of("calendars", found.link_id), 303)


def _page_of(name: str, link: UUID | None) -> str:
    """The address of a page of this link: without its id where it is the person's only one."""
    theirs = link_ids(current.runtime(), current.account())
    if link not in theirs or len(theirs) == 1:
        return url_for(f"gcal.{name}")
    return url_for(f"gcal.{name}", link_id=str(link))


def refusal(error: linking.LinkingError) -> str:
    """Why the way back from Google was refused, and what to do."""
    words = {
        "state": _(
            "This step has expired, was done before, or began in another browser. Connect again."
        ),
        "expired": _("This took too long. Connect again."),
        "session": _("You began in another browser. Connect again in this one."),
        "account": _("You began as somebody else. Connect again."),
        "no_refresh_token": _("Google gave no lasting access. Connect again and agree."),
        "not_ready": _("This extension cannot be connected now."),
    }
    return words.get(error.code, _("Google did not finish this. Nothing has changed; try again."))
