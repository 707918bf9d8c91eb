"""The desk's switch for the whole tenant: asked on one page, with a reason, and undone on it."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms.fields.choices import SelectChoice

from ...services import stopping
from ...services.stopping import HeldByOperators, Why
from .. import current, render, words_desk
from ..forms_desk import StopForm
from ..i18n import gettext as _
from ..i18n import ngettext
from .common import pressed
from .support import viewer


def stop() -> ResponseReturnValue:
    """Show how the switch stands; a press turns it, with its reason, or back."""
    viewer()
    rt, account = current.runtime(), current.account()
    form = StopForm()
    form.why.choices = [SelectChoice("", _("Choose"))] + [
        SelectChoice(one.value, words_desk.why_stopped(one)) for one in Why
    ]
    if pressed(form):
        if request.form.get("step") == "on":
            return _on()
        chosen = form.why.data or ""
        if chosen in set(Why):
            lines = stopping.stop(rt, account, Why(chosen))
            flash(
                ngettext(
                    "Forwarding is switched off. %(num)d extension gets its own route back now.",
                    "Forwarding is switched off. %(num)d extensions get their own route back now.",
                    lines,
                ),
                "ok",
            )
            return redirect(url_for("gcal.support_stop"), 303)
        form.why.errors = [words_desk.fault("required")]
    switch = stopping.switch_of(rt, account)
    return render.page("support_stop.html", form=form, switch=switch, words_desk=words_desk), (
        422 if form.faulty else 200
    )


def _on() -> ResponseReturnValue:
    try:
        stopping.stop(current.runtime(), current.account(), None)
    except HeldByOperators:
        flash(_("The operators switched this off; only they switch it on again."), "warn")
    else:
        flash(_("Forwarding is switched on again; appointments of now forward at once."), "ok")
    return redirect(url_for("gcal.support_stop"), 303)
