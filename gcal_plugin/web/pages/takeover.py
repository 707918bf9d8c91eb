"""A colleague left: the customer's administrator becomes the link's owner."""

from __future__ import annotations

from flask import flash
from flask.typing import ResponseReturnValue

from ...services import linking
from .. import current
from ..i18n import gettext as _
from .common import back, pressed, the_link


def take_over(link_id: str | None = None) -> ResponseReturnValue:
    """Make the link one's own; a 404 for whoever is no administrator."""
    link = the_link(link_id)
    if pressed():
        linking.take_over(current.runtime(), current.account(), link)
        flash(_("This integration is yours now. Connect your own Google account."), "ok")
    return back(link)
