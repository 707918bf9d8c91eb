"""Test: access, calendar and exchange, each ticked; and a trial forward of one minute."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from ...domain.reasons import Reason
from ...services import trying
from ...services.reporting import status_of
from .. import current, render, words
from ..forms import ButtonForm, TrialForm
from ..i18n import gettext as _
from .common import pressed, the_link


def try_out(link_id: str | None = None) -> ResponseReturnValue:
    """Show the page; on the button try each part; with a number also forward to it for a minute."""
    rt, account, link = current.runtime(), current.account(), the_link(link_id)
    view = status_of(rt, account, link)
    trial = TrialForm()
    report = None
    if request.method == "POST" and "number" in request.form:
        if pressed(trial):
            try:
                trying.start_trial(rt, account, link, trial.number.data or "")
            except trying.TrialRefused as refused:
                trial.number.errors = [_fault(refused)]
            else:
                view = status_of(rt, account, link)
    elif request.method == "POST" and pressed():
        report = trying.try_link(rt, account, link)
    return render.page(
        "test.html",
        view=view,
        report=report,
        form=ButtonForm(),
        trial=trial,
        seconds=trying.TRIAL_SECONDS,
        labels=labels(),
    ), (422 if trial.number.errors else 200)


def labels() -> dict[str, str]:
    """What each part is called."""
    return {
        "grant": _("Access to Google"),
        "calendar": _("Reading the calendar"),
        "exchange": _("The telephone exchange"),
    }


def _fault(refused: trying.TrialRefused) -> str:
    known = {
        "busy": _("A forward is on now. Try again when it has ended, or pause first."),
        "not_linked": _("Connect a calendar first."),
        "unsupported": _("This exchange asks us at each call; there is nothing to try."),
    }
    if refused.code in known:
        return known[refused.code]
    text = words.reason(Reason(refused.code)) if refused.code in set(Reason) else refused.code
    if refused.suggestion:
        text += " " + _("Did you mean %(title)s?", title=refused.suggestion)
    return text
