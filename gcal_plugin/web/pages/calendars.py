"""Choosing the calendar: the Google address is seen and confirmed before anything is saved."""

from __future__ import annotations

import structlog
from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from ...ports import CalendarError
from ...services import linking
from .. import current, render, words_desk
from ..forms import CalendarForm
from ..i18n import gettext as _
from .common import back, page_url, pressed, the_link

log = structlog.get_logger(__name__)


def choose(link_id: str | None = None) -> ResponseReturnValue:
    """Show the calendars; on a choice, link the one and fetch it at once."""
    rt, account, link = current.runtime(), current.account(), the_link(link_id)
    form = CalendarForm()
    try:
        if pressed(form) and _choose(form, link):
            flash(_("Connected. Your appointments are being fetched."), "ok")
            return back(link)
        choice = linking.calendar_choice(rt, account, link, session_key=current.session_key())
    except linking.NothingToChoose:
        flash(_("Connect your Google account first."), "wait")
        return back(link)
    except CalendarError as error:
        log.warning("calendars_unreachable", reason=error.reason, status=error.status)
        flash(_("Google does not answer right now. Try again in a moment."), "bad")
        return back(link)
    status = 422 if form.errors or form.calendar.errors or form.replace_forward.errors else 200
    return _show(choice, form, link_id), status


def _choose(form: CalendarForm, link: object) -> bool:
    """Link the chosen calendar; where the page should ask again, its field tells why."""
    wanted = form.calendar.data or ""
    if not wanted:
        form.calendar.errors = [_("Choose a calendar.")]
        return False
    try:
        linking.choose_calendar(
            current.runtime(),
            current.account(),
            str(link),
            wanted,
            session_key=current.session_key(),
            switch_account=request.form.get("switch_account") == "yes",
            replace_forward={"yes": True, "no": False}.get(form.replace_forward.data or ""),
            seen_forward=request.form.getlist("seen_forward") or None,
        )
    except linking.CalendarVanished:
        why = _("This calendar has just disappeared at Google. Choose another one.")
    except linking.TitlesUnreadable:
        why = _("We cannot read the titles of this calendar. Choose another one.")
    except linking.OtherAccount as other:
        why = _(
            "This is another Google account (%(now)s) than before (%(before)s). Tick the box to "
            "switch.",
            now=other.now,
            before=other.previous,
        )
    except linking.ForwardExists:
        form.replace_forward.errors = [_("Say what should happen to the forward that is there.")]
        return False
    else:
        return True
    form.calendar.errors = [why]
    return False


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
        does=words_desk.capabilities(choice.capabilities) if choice.capabilities else [],
        calendars=ordered,
        chosen=chosen,
        form=form,
        action=page_url("calendars", link_id),
        again=url_for("gcal.connect", link_id=link_id) if link_id else url_for("gcal.connect"),
        cancel=url_for("gcal.status", link_id=link_id) if link_id else url_for("gcal.status"),
    )
