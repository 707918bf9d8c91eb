"""For a bad day: what happens when the calendar cannot be read, and who is told."""

from __future__ import annotations

from flask import flash, request
from flask.typing import ResponseReturnValue

from ...domain.destination import display
from ...domain.reasons import Reason
from ...services import linking
from ...services.reporting import status_of
from .. import current, render, words
from ..forms import PrecautionsForm
from ..i18n import gettext as _
from .common import back, pressed, the_link


def edit(link_id: str | None = None) -> ResponseReturnValue:
    """Show and save the choices."""
    rt, account, link = current.runtime(), current.account(), the_link(link_id)
    facts = status_of(rt, account, link).link
    form = PrecautionsForm()
    if request.method == "GET" and facts is not None:
        form.stale_choice.data = facts.stale_choice
        form.fallback.data = display(facts.fallback.value) if facts.fallback else ""
        form.second_contact.data = facts.second_contact
    if pressed(form):
        try:
            linking.set_precautions(
                rt,
                account,
                link,
                stale_choice=form.stale_choice.data,
                fallback_title=form.fallback.data or "",
                second_contact=form.second_contact.data or "",
            )
        except linking.BadFallback as bad:
            form.fallback.errors = [_fault(bad)]
        else:
            flash(_("Saved."), "ok")
            return back(link)
    status = 422 if any(field.errors for field in form) else 200
    return render.page("precautions.html", form=form, link=facts), status


def _fault(bad: linking.BadFallback) -> str:
    if bad.reason == "missing":
        return _("Give a fallback number, or make another choice above.")
    text = words.reason(Reason(bad.reason)) if bad.reason in set(Reason) else bad.reason
    if bad.suggestion:
        text += " " + _("Did you mean %(title)s?", title=bad.suggestion)
    return text
