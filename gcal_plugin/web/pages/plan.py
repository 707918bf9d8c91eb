"""Plan a forward: Google Calendar's own new-appointment page, filled in. Needs no write access."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue

from ...domain.destination import national
from ...domain.policy import Verdict
from ...services.reporting import calendar_root, status_of, verdict_on
from .. import current, render, words
from ..forms import PlanForm
from ..i18n import gettext as _
from .common import page_url, the_link


def show(link_id: str | None = None) -> ResponseReturnValue:
    """Ask for number and times; with good ones, show the way to Google's page."""
    rt, account, link = current.runtime(), current.account(), the_link(link_id)
    view = status_of(rt, account, link)
    form = PlanForm(request.args)
    address = ""
    verdict: Verdict | None = None
    if "number" in request.args and form.validate():
        verdict = verdict_on(rt, account, link, form.number.data or "")
        times = _times(form)
        if not verdict.allowed:
            form.number.errors = [_fault(verdict)]
        elif times is not None:
            address = _google(verdict, *times)
    elif "number" not in request.args:
        _fill(form)
    return render.page(
        "plan.html",
        form=form,
        view=view,
        address=address,
        verdict=verdict,
        action=page_url("plan", link_id),
    ), (422 if any(field.errors for field in form) else 200)


def _fill(form: PlanForm) -> None:
    """Tomorrow in office hours, as a beginning."""
    day = (current.now().astimezone(current.zone()) + timedelta(days=1)).date()
    form.date.data, form.start.data, form.end.data = day.isoformat(), "09:00", "17:00"


def _times(form: PlanForm) -> tuple[datetime, datetime] | None:
    """Start and end on the tenant's clock; an end before the start is on the next day."""
    try:
        start = datetime.fromisoformat(f"{form.date.data}T{form.start.data}")
        end = datetime.fromisoformat(f"{form.date.data}T{form.end.data}")
    except ValueError:
        form.date.errors = [_("Give a date and two times, like 2026-12-01, 09:00 and 17:00.")]
        return None
    return start, end if end > start else end + timedelta(days=1)


def _fault(verdict: Verdict) -> str:
    if verdict.reason is None:
        return ""
    text = words.reason(verdict.reason)
    if verdict.suggestion:
        text += " " + _("Did you mean %(title)s?", title=verdict.suggestion)
    return text


def _google(verdict: Verdict, start: datetime, end: datetime) -> str:
    destination = verdict.destination
    fields = {
        "action": "TEMPLATE",
        "text": national(destination) if destination else "",
        "dates": f"{start:%Y%m%dT%H%M%S}/{end:%Y%m%dT%H%M%S}",
        "ctz": current.zone().key,
    }
    return f"{calendar_root(current.runtime())}/calendar/render?{urlencode(fields)}"
