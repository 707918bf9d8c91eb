"""Letting go: asked once, then each outcome told."""

from __future__ import annotations

from dataclasses import replace

from flask.typing import ResponseReturnValue

from ...domain.link_state import IllegalStep
from ...services import linking
from ...services.reporting import PageState, status_of
from .. import current, render
from ..forms import ButtonForm
from . import outcome
from .common import back, pressed, the_link


def confirm(link_id: str | None = None) -> ResponseReturnValue:
    """Ask; on yes let go and tell what became of forward, access and data."""
    rt, account, link = current.runtime(), current.account(), the_link(link_id)
    form = ButtonForm()
    if pressed(form):
        try:
            outcome.put_disconnected(linking.disconnect(rt, account, link), link)
        except IllegalStep:
            # Pressed twice: the first one did it.
            return back(link)
        return back(link)
    view = replace(status_of(rt, account, link), state=PageState.CONFIRM)
    if view.link is None or not view.link.email:
        return back(link)
    return render.page("disconnect.html", view=view, form=form)
