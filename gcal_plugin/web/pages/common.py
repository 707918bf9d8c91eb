"""What several pages need: which link, the way back to it, a button that was pressed."""

from __future__ import annotations

from uuid import UUID

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ...services.reporting import link_ids
from ...store.scope import NotInReach
from .. import current
from ..forms import ButtonForm, PageForm


def the_link(link_id: str | None) -> UUID:
    """The link that the address names, or the only one; several send to the overview.

    The id is not trusted: every service narrows it to the account again.
    """
    if link_id is not None:
        try:
            return UUID(link_id)
        except ValueError:
            raise NotInReach("link") from None
    found = link_ids(current.runtime(), current.account())
    if not found:
        raise NotInReach("link")
    if len(found) > 1:
        abort(redirect(url_for("gcal.status")))
    return found[0]


def page_url(name: str, link_id: str | UUID | None) -> str:
    """The address of a page of a link, in the form that this request uses."""
    if request.view_args and request.view_args.get("link_id") and link_id is not None:
        return url_for(f"gcal.{name}", link_id=str(link_id))
    return url_for(f"gcal.{name}")


def back(link_id: str | UUID | None) -> ResponseReturnValue:
    """To the status page, so that a reload does not repeat what was done."""
    return redirect(page_url("status", link_id), 303)


def pressed(form: PageForm | None = None) -> bool:
    """Whether a button was pressed with a good token; a bad one is told on the page."""
    from flask_wtf.csrf import CSRFError

    form = form or ButtonForm()
    if form.validate_on_submit():
        return True
    if "csrf_token" in form.errors:
        raise CSRFError(str(form.errors["csrf_token"][0]))
    return False
