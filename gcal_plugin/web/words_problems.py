"""Problems in words: what is wrong, what it costs, the button that mends it."""

from __future__ import annotations

from collections.abc import Callable

from ..services.reporting import Mend, Mode, Problem, ProblemCode
from . import formats
from .i18n import gettext as _
from .i18n import lazy_gettext as _l
from .i18n import ngettext
from .words_events import reason, repair, verdict
from .words_parts import destinations

_PROBLEMS = {
    ProblemCode.ACCESS_LOST: _l("We no longer have access to your Google account."),
    ProblemCode.CALENDAR_GONE: _l("Your calendar has disappeared at Google."),
    ProblemCode.UNREADABLE: _l("We can no longer read the titles in your calendar."),
    ProblemCode.STALE: _l("Your calendar was not updated for a while."),
    ProblemCode.REFUSED: _l("The exchange refused a forward."),
    ProblemCode.UNREACHABLE: _l("The exchange does not answer; we keep trying."),
    ProblemCode.PARTLY_REFUSED: _l("One of the destinations did not go along."),
    ProblemCode.CONTESTED: _l("Somebody changed the forward on the exchange by hand."),
    ProblemCode.KILLED: _l("Forwarding is switched off by the helpdesk."),
    ProblemCode.GAP: _l("There is a gap in your rota."),
    ProblemCode.OTHER_ZONE: _l("Your calendar is in another time zone."),
    ProblemCode.SOMEBODY_ELSES: _l("This calendar belongs to somebody else."),
    ProblemCode.ENDS: _l("Your contract for this integration ends."),
}

GRAVE = frozenset(
    {
        ProblemCode.ACCESS_LOST,
        ProblemCode.CALENDAR_GONE,
        ProblemCode.UNREADABLE,
        ProblemCode.REFUSED,
        ProblemCode.UNREACHABLE,
        ProblemCode.KILLED,
    }
)
"""Problems that keep calls from going where they should."""


def problem(found: Problem) -> str:
    """What is wrong."""
    if found.code is ProblemCode.TYPED_WRONG:
        return ngettext(
            "%(num)d appointment with a number does not forward.",
            "%(num)d appointments with a number do not forward.",
            found.missed,
        )
    return str(_PROBLEMS[found.code])


def consequence(found: Problem) -> str:
    """What it means for the calls."""
    if found.mode is Mode.FALLBACK:
        return _to_fallback(found)
    if found.missed and found.code is not ProblemCode.TYPED_WRONG:
        return ngettext(
            "%(num)d forward in the coming seven days will not run.",
            "%(num)d forwards in the coming seven days will not run.",
            found.missed,
        )
    writer = _CONSEQUENCES.get(found.code)
    return writer(found) if writer else ""


def _to_fallback(found: Problem) -> str:
    to = destinations(found.destinations)
    if not found.missed:
        return _("All calls go to %(number)s until this is mended.", number=to)
    return ngettext(
        "All calls go to %(number)s, also during %(num)d forward of the coming seven days.",
        "All calls go to %(number)s, also during %(num)d forwards of the coming seven days.",
        found.missed,
        number=to,
    )


def _stale(found: Problem) -> str:
    if found.mode is Mode.FINISH:
        return _("No forward starts until your calendar is read again; what runs now ends on time.")
    if found.until is not None:
        return _(
            "Changes since then are not seen; known appointments continue until %(time)s.",
            time=formats.moment(found.until),
        )
    return _("Changes since then are not seen; known appointments continue.")


def _gap(found: Problem) -> str:
    if found.since is None or found.until is None:
        return ""
    return _(
        "From %(start)s to %(end)s your own phone rings.",
        start=formats.moment(found.since),
        end=formats.clock(found.until),
    )


def _refused(found: Problem) -> str:
    if found.reason is not None:
        return f"{destinations(found.destinations)}: {reason(found.reason)}"
    return found.detail


def _typed_wrong(found: Problem) -> str:
    """The first of them, with its repair."""
    if found.event is None:
        return ""
    why = f"{verdict(found.event)} {repair(found.event)}".strip()
    return f"{formats.moment(found.event.start)}: {why}"


_CONSEQUENCES: dict[ProblemCode, Callable[[Problem], str]] = {
    ProblemCode.STALE: _stale,
    ProblemCode.REFUSED: _refused,
    ProblemCode.PARTLY_REFUSED: _refused,
    ProblemCode.UNREACHABLE: lambda _p: _("A forward that should start or end now may be late."),
    ProblemCode.CONTESTED: lambda _p: _("We leave that change alone until the next appointment."),
    ProblemCode.GAP: _gap,
    ProblemCode.OTHER_ZONE: lambda p: _(
        "It runs on the time of %(zone)s; all-day appointments begin at midnight there.",
        zone=p.detail.replace("_", " "),
    ),
    ProblemCode.SOMEBODY_ELSES: lambda p: _(
        "It belongs to %(owner)s. If that account is closed, the calendar disappears.",
        owner=p.detail,
    ),
    ProblemCode.TYPED_WRONG: _typed_wrong,
    ProblemCode.ENDS: lambda p: _(
        "After %(date)s nothing is forwarded any more.",
        date=formats.date_long(p.until) if p.until else "",
    ),
    ProblemCode.ACCESS_LOST: lambda _p: _("Forwarding stands still; your own phone rings."),
    ProblemCode.CALENDAR_GONE: lambda _p: _("Forwarding stands still; your own phone rings."),
    ProblemCode.UNREADABLE: lambda _p: _("No forward starts any more."),
    ProblemCode.KILLED: lambda _p: _("Your own phone rings until it is switched on again."),
}

_MENDS = {
    Mend.CONNECT: _l("Connect again"),
    Mend.CHOOSE: _l("Choose a calendar"),
    Mend.REFRESH: _l("Fetch now"),
    Mend.RETRY: _l("Try again"),
    Mend.PLAN: _l("Plan a forward"),
    Mend.EDIT: _l("Change it at Google"),
    Mend.PRECAUTIONS: _l("Set a fallback number"),
    Mend.SUPPORT: _l("Contact the helpdesk"),
}


def mend(code: Mend) -> str:
    """The button that mends it."""
    return str(_MENDS[code])
