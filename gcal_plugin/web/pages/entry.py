"""The plugin's entry on the portal's settings page."""

from __future__ import annotations

from flask import url_for
from markupsafe import Markup

from ...services.reporting import link_ids, status_of
from ...services.reporting.requests import open_requests
from .. import current, render


def fragment() -> Markup:
    """A card with the status sentence and a button, for a host to place where it likes."""
    account = current.account_or_none()
    if account is None:
        return Markup("")
    rt = current.runtime()
    view = status_of(rt, account)
    shown = render.page(
        "entry_card.html",
        view=view,
        many=len(link_ids(rt, account)),
        quotes=[one for one in open_requests(rt, account) if one.quoted],
        url=url_for("gcal.status"),
    )
    return Markup(shown)  # noqa: S704 (a rendered template)
