"""Fetch now: the calendar is asked for at once, and the exchange is tried again."""

from __future__ import annotations

from flask import flash
from flask.typing import ResponseReturnValue

from ...services import reporting
from .. import current
from ..i18n import gettext as _
from .common import back, pressed, the_link


def refresh(link_id: str | None = None) -> ResponseReturnValue:
    """Ask for a fetch; where the queue is away the clock does it within a minute."""
    link = the_link(link_id)
    if not pressed():
        return back(link)
    soon = reporting.ask_refresh(current.runtime(), current.account(), link)
    if soon is None:
        flash(_("There is no calendar to fetch yet."), "wait")
    elif soon:
        flash(_("Your calendar is being fetched."), "ok")
    else:
        flash(_("Your calendar will be fetched within a minute."), "ok")
    return back(link)
