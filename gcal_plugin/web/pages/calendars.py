"""Choosing the calendar: the Google address is seen and confirmed before anything is saved."""

from __future__ import annotations

import structlog
from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from ...ports import CalendarError
from ...services import linking
from .. import current, render
from ..forms import CalendarForm
from ..i18n import gettext as _
from .common import back, page_url, pressed, the_link

log = structlog.get_logger(__name__)


def choose(link_id: str | None = None) -> ResponseReturnValue:
    """Show the calendars; on a choice, link the one and fetch it at once."""
    rt, account, link = current.runtime(), current.account(), the_link(link_id)
    form = CalendarForm()
    try:
        if pressed(form):
            refused = _choose(form, link)
            if refused is None:
                flash(_("Connected. Your appointments are being fetched."), "ok")
                return back(link)
            form.calendar.errors = [refused]
        choice = linking.calendar_choice(rt, account, link, session_key=current.session_key())
    except linking.NothingToChoose:
        flash(_("Connect your Google account first."), "wait")
        return back(link)
    except CalendarError as error:
        log.warning("calendars_unreachable", reason=error.reason, status=error.status)
        flash(_("Google does not answer right now. Try again in a moment."), "bad")
        return back(link)
    status = 422 if form.errors or form.calendar.errors else 200
    return _show(choice, form, link_id), status


def _choose(form: CalendarForm, link: object) -> str | None:
    """Link the chosen calendar; answers why not, where the page should ask again."""
    wanted = form.calendar.data or ""
    if not wanted:
        return _("Choose a calendar.")
    try:
        linking.choose_calendar(
            current.runtime(),
            current.account(),
            str(link),
            wanted,
            session_key=current.session_key(),
            switch_account=request.form.get("switch_account") == "yes",
            replace_forward=request.form.get("replace_forward") == "yes",
        )
    except linking.CalendarVanished:
        return _("This calendar has just disappeared at Google. Choose another one.")
    except linking.TitlesUnreadable:
        return _("We cannot read the titles of this calendar. Choose another one.")
    except linking.OtherAccount as other:
        return _(
            "This is another Google account (%(now)s) than before (%(before)s). Tick the box to "
            "switch.",
            now=other.now,
            before=other.previous,
        )
    except linking.ForwardExists:
        return _("The extension is forwarded already. Tick the box to replace that forward.")
    return None


def _show(choice: linking.Choice, form: CalendarForm, link_id: str | None) -> str:
    ordered = sorted(
        choice.calendars, key=lambda one: (not one.titles_readable, not one.primary, one.name)
    )
    chosen = form.calendar.data or choice.chosen
    if not chosen and sum(one.titles_readable for one in ordered) == 1:
        chosen = next(one.id for one in ordered if one.titles_readable)
    return render.page(
        "calendars.html",
        choice=choice,
        calendars=ordered,
        chosen=chosen,
        form=form,
        action=page_url("calendars", link_id),
        again=url_for("gcal.connect", link_id=link_id) if link_id else url_for("gcal.connect"),
        cancel=url_for("gcal.status", link_id=link_id) if link_id else url_for("gcal.status"),
    )
