"""Codes in words: states, problems, reasons, activity. English here, other languages by Babel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..domain.reasons import Reason
from ..ports import ExtensionKind
from ..services.reporting import (
    ActivityView,
    DestinationView,
    EventView,
    Mend,
    PageState,
    Problem,
    ProblemCode,
    RequestView,
    StatusView,
)
from . import formats
from .i18n import gettext as _
from .i18n import lazy_gettext as _l
from .i18n import ngettext


def sentence(view: StatusView) -> str:
    """The one sentence on top of the page."""
    writer = _WRITERS.get(view.state)
    written = writer(view) if writer else None
    return written or str(_SENTENCES[view.state])


def _quoted(view: StatusView) -> str | None:
    if view.request is None or view.request.valid_until is None:
        return None
    until = formats.date_long(view.request.valid_until)
    return _("Your quote is ready, valid until %(date)s.", date=until)


def _idle(view: StatusView) -> str:
    if view.upcoming is None:
        return _("Not forwarded. No forward is planned.")
    return _("Not forwarded. Next: %(when)s.", when=formats.moment(view.upcoming.start))


def _forwarding(view: StatusView) -> str:
    to = destinations(view.ringing)
    if view.until is None:
        return _("Forwarded to %(number)s.", number=to)
    time = formats.moment(view.until)
    return _("Forwarded to %(number)s until %(time)s.", number=to, time=time)


def _stale(view: StatusView) -> str:
    calendar = view.link.calendar if view.link else None
    if calendar is None or calendar.synced_at is None:
        return _("Calendar not updated yet; known appointments continue.")
    time = formats.moment(calendar.synced_at)
    return _("Calendar not updated since %(time)s; known appointments continue.", time=time)


def _not_taken(view: StatusView) -> str:
    to = destinations(view.ringing) or _("your own phone")
    return _("The exchange refused the forward; now %(destination)s rings.", destination=to)


def _paused(view: StatusView) -> str:
    if view.link is None or view.link.paused_until is None:
        return _("Paused; your own phone rings.")
    until = formats.moment(view.link.paused_until)
    return _("Paused until %(time)s; your own phone rings.", time=until)


_WRITERS: dict[PageState, Callable[[StatusView], str | None]] = {
    PageState.QUOTED: _quoted,
    PageState.IDLE: _idle,
    PageState.FORWARDING: _forwarding,
    PageState.STALE: _stale,
    PageState.REFUSED: _not_taken,
    PageState.PAUSED: _paused,
}
_SENTENCES = {
    PageState.UNAVAILABLE: _l("This integration is not available for your account."),
    PageState.NOT_CONFIGURED: _l("You have no integration yet."),
    PageState.REQUESTED: _l("Request received; you will get a quote."),
    PageState.QUOTED: _l("Your quote is ready."),
    PageState.AGREED: _l("Agreement received; we will set it up."),
    PageState.PROVISIONING: _l("We are setting up your integration."),
    PageState.READY: _l("Now connect your Google account."),
    PageState.CANCELLED: _l("Connecting was cancelled; nothing has changed."),
    PageState.SCOPE: _l("Google did not give all permissions; tick every box."),
    PageState.NO_CALENDAR: _l("Now choose a calendar."),
    PageState.RECONNECT: _l("No access to Google, forwarding stands still; connect again."),
    PageState.GONE: _l("Your calendar has disappeared; choose another one."),
    PageState.CONFIRM: _l("Disconnect? Your forward stops at once."),
    PageState.DISCONNECTED: _l("Disconnected; your own phone rings again."),
}

TONES = {
    PageState.FORWARDING: "live",
    PageState.IDLE: "rest",
    PageState.READY: "rest",
    PageState.REQUESTED: "rest",
    PageState.QUOTED: "wait",
    PageState.AGREED: "rest",
    PageState.PROVISIONING: "rest",
    PageState.NOT_CONFIGURED: "rest",
    PageState.UNAVAILABLE: "rest",
    PageState.DISCONNECTED: "rest",
    PageState.NO_CALENDAR: "wait",
    PageState.CANCELLED: "wait",
    PageState.PAUSED: "wait",
    PageState.STALE: "wait",
    PageState.CONFIRM: "wait",
    PageState.SCOPE: "bad",
    PageState.RECONNECT: "bad",
    PageState.GONE: "bad",
    PageState.REFUSED: "bad",
}
"""How a state looks: `live`, `rest`, `wait` or `bad`. Its icon and sentence say the same."""

ICONS = {
    PageState.FORWARDING: "forward",
    PageState.IDLE: "phone",
    PageState.READY: "link",
    PageState.REQUESTED: "clock",
    PageState.QUOTED: "document",
    PageState.AGREED: "check",
    PageState.PROVISIONING: "clock",
    PageState.NOT_CONFIGURED: "calendar",
    PageState.UNAVAILABLE: "info",
    PageState.DISCONNECTED: "phone",
    PageState.NO_CALENDAR: "calendar",
    PageState.CANCELLED: "info",
    PageState.PAUSED: "pause",
    PageState.STALE: "clock",
    PageState.CONFIRM: "unlink",
    PageState.SCOPE: "warning",
    PageState.RECONNECT: "unlink",
    PageState.GONE: "warning",
    PageState.REFUSED: "warning",
}

_KINDS = {
    ExtensionKind.PHONE: _l("phone"),
    ExtensionKind.GROUP: _l("ring group"),
    ExtensionKind.MENU: _l("menu"),
    ExtensionKind.VOICEMAIL: _l("voicemail"),
}


def kind(value: ExtensionKind) -> str:
    """What answers at an extension."""
    return str(_KINDS[value])


def destination(view: DestinationView) -> str:
    """A number or extension, with its name where there is one."""
    number = formats.phone_kept(view.value)
    return f"{number} ({view.name})" if view.name else number


def destinations(views: tuple[DestinationView, ...]) -> str:
    """Several of them in one phrase."""
    names = [destination(view) for view in views]
    if len(names) < 2:
        return "".join(names)
    return _("%(first)s and %(last)s", first=", ".join(names[:-1]), last=names[-1])


_REASONS = {
    Reason.ORDINARY_TEXT: _l("An ordinary appointment."),
    Reason.EMPTY_TITLE: _l("No title."),
    Reason.TEXT_BESIDE_NUMBER: _l(
        "There is text beside the number. Name? Put it in the description."
    ),
    Reason.SLASH: _l("A slash in the number can mean two numbers."),
    Reason.SEVERAL_NUMBERS: _l("More than one number: make an appointment for each."),
    Reason.TOO_SHORT: _l("The number is too short."),
    Reason.TOO_LONG: _l("The number is too long."),
    Reason.LETTERS: _l("There are letters in the number."),
    Reason.LOOKALIKE_DIGITS: _l("These digits only look like digits. Type the number again."),
    Reason.INVISIBLE_CHARACTERS: _l(
        "There are invisible characters in the title. Type the number again."
    ),
    Reason.MISSING_ZERO: _l("The 0 in front is missing."),
    Reason.MISSING_PREFIX: _l("The 00 in front is missing."),
    Reason.SERVICE_PREFIX: _l("Keypad codes do not work here; only the number itself."),
    Reason.INVALID_NUMBER: _l("This number does not exist."),
    Reason.INVITATION: _l("An invitation does not count; make the appointment yourself."),
    Reason.PRIVATE: _l("The title is private. Make the appointment public to you."),
    Reason.FREE_BUSY_ONLY: _l("We cannot read titles in this calendar."),
    Reason.DECLINED: _l("You declined this appointment."),
    Reason.CANCELLED: _l("This appointment was cancelled."),
    Reason.ZERO_LENGTH: _l("This appointment ends when it starts. Give it an end time."),
    Reason.NO_END: _l("This appointment has no end time."),
    Reason.EVENT_TYPE: _l("A task or a working location does not count."),
    Reason.EMERGENCY: _l("Never forwarded to an emergency number."),
    Reason.PREMIUM: _l("Premium numbers are not forwarded to."),
    Reason.SHARED_COST: _l("Numbers with shared costs are not forwarded to."),
    Reason.SERVICE_NUMBER: _l("Service numbers are not forwarded to."),
    Reason.SHORT_CODE: _l("Short numbers are not forwarded to."),
    Reason.PERSONAL_NUMBER: _l("Personal numbers (084, 087) are not forwarded to."),
    Reason.SATELLITE: _l("Satellite numbers are not forwarded to."),
    Reason.M2M: _l("This is a number of a machine (097)."),
    Reason.PAGER: _l("Pagers are not forwarded to."),
    Reason.COUNTRY_CLOSED: _l("This country is closed. Ask the helpdesk to open it."),
    Reason.NUMBER_TYPE_REFUSED: _l("This kind of number is not forwarded to."),
    Reason.PREFIX_REFUSED: _l("This range of numbers is closed by your provider."),
    Reason.UNKNOWN_EXTENSION: _l("This extension does not exist in your exchange."),
    Reason.NOT_REACHABLE_KIND: _l("This extension cannot be forwarded to."),
    Reason.OWN_NUMBER: _l("This is your own number; the call would come back."),
    Reason.LOOP: _l("This forward would come back to where it started."),
    Reason.BLOCKED_BY_OWNER: _l("The owner of this number does not want forwards."),
    Reason.TOO_MANY: _l("Too many at once: the earliest appointments go first."),
    Reason.TOO_LONG_FORWARD: _l("This appointment lasts longer than a forward may."),
    Reason.CHANGES_CAP: _l("Too many changes today."),
    Reason.KILLED: _l("Forwarding is switched off by the helpdesk."),
}


def reason(code: Reason) -> str:
    """Why an appointment does not forward."""
    return str(_REASONS.get(code, code.value))


def verdict(event: EventView) -> str:
    """What an appointment does, or why it does nothing."""
    if event.reason is not None:
        return reason(event.reason)
    if event.destination is None:
        return ""
    to = destination(event.destination)
    if event.running:
        return _("Forwards to %(number)s", number=to)
    return _("Will forward to %(number)s", number=to)


def repair(event: EventView) -> str:
    """What to change, where we know it."""
    if not event.suggestion:
        return ""
    return _("Did you mean %(title)s?", title=event.suggestion)


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
    ProblemCode.TYPED_WRONG: _l("Some appointments look like a forward, but are none."),
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
    return str(_PROBLEMS[found.code])


def consequence(found: Problem) -> str:
    """What it means for the calls."""
    if found.missed and found.code is not ProblemCode.TYPED_WRONG:
        return ngettext(
            "%(num)d forward in the coming seven days will not run.",
            "%(num)d forwards in the coming seven days will not run.",
            found.missed,
        )
    writer = _CONSEQUENCES.get(found.code)
    return writer(found) if writer else ""


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


_CONSEQUENCES: dict[ProblemCode, Any] = {
    ProblemCode.STALE: lambda _p: _(
        "Changes since then are not seen; known appointments continue."
    ),
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
        "It is of %(owner)s. If that account is closed, the calendar disappears.", owner=p.detail
    ),
    ProblemCode.TYPED_WRONG: lambda p: ngettext(
        "%(num)d appointment will not forward; see the list.",
        "%(num)d appointments will not forward; see the list.",
        p.missed,
    ),
    ProblemCode.ENDS: lambda p: _(
        "From %(date)s nothing is forwarded any more.",
        date=formats.date_long(p.until) if p.until else "",
    ),
    ProblemCode.ACCESS_LOST: lambda _p: _("Forwarding stands still; your own phone rings."),
    ProblemCode.CALENDAR_GONE: lambda _p: _("Forwarding stands still; your own phone rings."),
    ProblemCode.UNREADABLE: lambda _p: _("Forwarding stands still; your own phone rings."),
    ProblemCode.KILLED: lambda _p: _("Your own phone rings until it is switched on again."),
}

_MENDS = {
    Mend.CONNECT: _l("Connect again"),
    Mend.CHOOSE: _l("Choose a calendar"),
    Mend.REFRESH: _l("Fetch now"),
    Mend.RETRY: _l("Try again"),
    Mend.PLAN: _l("Plan a forward"),
    Mend.SUPPORT: _l("Contact the helpdesk"),
}


def mend(code: Mend) -> str:
    """The button that mends it."""
    return str(_MENDS[code])


_ACTIVITY = {
    "consented": _l("Permission given at Google"),
    "connected": _l("Google account connected"),
    "reconnected": _l("Access to Google is back"),
    "calendar_chosen": _l("Calendar chosen"),
    "calendar_back": _l("The calendar can be read again"),
    "disconnected": _l("Disconnected"),
    "paused": _l("Paused"),
    "resumed": _l("Resumed"),
    "precautions": _l("Precautions changed"),
    "taken_over": _l("Taken over by an administrator"),
    "provisioned": _l("Integration set up"),
    "ended": _l("Contract ended"),
    "revoked": _l("Access withdrawn at Google"),
    "account_disabled": _l("The Google account was disabled"),
    "gone": _l("The calendar has disappeared"),
    "unreadable": _l("Titles can no longer be read"),
    "killed": _l("Switched off by the helpdesk"),
    "exchange_silent": _l("The exchange does not answer"),
    "exchange_differs": _l("The exchange holds something else"),
    "refused": _l("The exchange refused it"),
    "quarantined": _l("Set apart after repeated faults"),
    "trial": _l("Trial forward started"),
    "forward_set": _l("Forward on"),
    "forward_cleared": _l("Forward off"),
    "push_failed": _l("The exchange did not do it"),
}


def activity(line: ActivityView) -> str:
    """What happened."""
    known = _ACTIVITY.get(line.what)
    return str(known) if known else line.what.replace("_", " ")


_ACTORS = {
    "you": _l("you"),
    "customer": _l("a colleague"),
    "support": _l("the helpdesk"),
    "operator": _l("the operators"),
    "system": _l("automatically"),
}


def actor(code: str) -> str:
    """Who did it."""
    return str(_ACTORS.get(code, _ACTORS["system"]))


_STEPS = {
    "requested": _l("Requested"),
    "quoted": _l("Quote"),
    "agreed": _l("Agreement"),
    "provisioning": _l("Setting up"),
    "ready": _l("Ready to connect"),
    "linked": _l("Connected"),
}


def step(code: str) -> str:
    """A step of the request."""
    return str(_STEPS[code])


def owner(code: str) -> str:
    """Whose turn it is."""
    return _("You") if code == "you" else _("We")


def price(request: RequestView) -> str:
    """ "€ 12,50 per maand excl. btw" """
    if request.monthly_price is None:
        return ""
    return _("%(price)s a month excl. VAT", price=formats.money(request.monthly_price))
