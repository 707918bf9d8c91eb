"""Pause and resume: apart from disconnecting, nothing is lost."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from flask import flash
from flask.typing import ResponseReturnValue

from ...services import linking
from .. import current, formats
from ..forms import PauseForm
from ..i18n import gettext as _
from .common import back, pressed, the_link

_DAY_BEGINS = time(8)


def choices() -> list[tuple[str, str]]:
    """The usual ends of a pause, each with the time it means."""
    now = current.now()
    return [
        ("hour", _("for an hour (until %(time)s)", time=formats.moment(_until("hour", now)))),
        ("tomorrow", _("until %(time)s", time=formats.moment(_until("tomorrow", now)))),
        ("monday", _("until %(time)s", time=formats.moment(_until("monday", now)))),
        ("other", _("until the date and time below")),
        ("open", _("until I resume")),
    ]


def _until(choice: str, now: datetime) -> datetime:
    local = now.astimezone(current.zone())
    if choice == "hour":
        return (now + timedelta(hours=1)).replace(second=0, microsecond=0)
    days = 1 if choice == "tomorrow" else (7 - local.weekday()) or 7
    day = local.date() + timedelta(days=days)
    return datetime.combine(day, _DAY_BEGINS, current.zone())


def pause(link_id: str | None = None) -> ResponseReturnValue:
    """Stand still until the chosen time."""
    link, form = the_link(link_id), PauseForm()
    try:
        if not pressed(form):
            raise ValueError("a field that is too long")
        linking.pause(current.runtime(), current.account(), link, _chosen(form))
    except linking.PauseInPast:
        flash(_("That time has passed already. Nothing has changed."), "bad")
        return back(link)
    except ValueError:
        flash(_("Give the date and the time at which the pause ends."), "bad")
        return back(link)
    flash(_("Paused. Your own phone rings."), "ok")
    return back(link)


def _chosen(form: PauseForm) -> datetime | None:
    """The end of the pause; None for one without; ValueError where it cannot be read."""
    choice = form.until.data or "open"
    if choice == "open":
        return None
    if choice == "other":
        written = f"{form.date.data or ''}T{form.time.data or '08:00'}"
        return datetime.fromisoformat(written).replace(tzinfo=current.zone())
    if choice not in {"hour", "tomorrow", "monday"}:
        raise ValueError(choice)
    return _until(choice, current.now())


def resume(link_id: str | None = None) -> ResponseReturnValue:
    """Go on at once."""
    link = the_link(link_id)
    if pressed():
        linking.resume(current.runtime(), current.account(), link)
        flash(_("Resumed."), "ok")
    return back(link)
