"""Codes in words: states, problems, reasons, activity. English here, other languages by Babel."""

from __future__ import annotations

from collections.abc import Callable

from ..domain.money import Price
from ..services.reporting import ActivityView, PageState, RequestView, StatusView
from . import formats
from .i18n import gettext as _
from .i18n import lazy_gettext as _l
from .i18n import locale
from .words_events import held, later, leads, not_on, reason, repair, verdict
from .words_parts import destination, destinations, kind
from .words_problems import GRAVE, consequence, mend, problem

__all__ = [
    "GRAVE",
    "ICONS",
    "TONES",
    "activity",
    "actor",
    "consequence",
    "destination",
    "destinations",
    "held",
    "kind",
    "later",
    "leads",
    "mend",
    "not_on",
    "owner",
    "price",
    "problem",
    "reason",
    "repair",
    "sentence",
    "step",
    "verdict",
]


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
    if view.standing:
        return _own_forward(view)
    if view.upcoming is None:
        return _("Not forwarded. No forward is planned.")
    return _("Not forwarded. Next: %(when)s.", when=formats.moment(view.upcoming.start))


def _own_forward(view: StatusView) -> str:
    to = destinations(view.standing)
    if view.upcoming is None:
        return _("Your own forward to %(number)s holds. No other is planned.", number=to)
    return _(
        "Your own forward to %(number)s holds. Next: %(when)s.",
        number=to,
        when=formats.moment(view.upcoming.start),
    )


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
    until = formats.moment(view.link.paused_until) if view.link and view.link.paused_until else ""
    to = destinations(view.standing)
    if until and to:
        return _(
            "Paused until %(time)s; your own forward to %(number)s holds.", time=until, number=to
        )
    if until:
        return _("Paused until %(time)s; your own phone rings.", time=until)
    if to:
        return _("Paused; your own forward to %(number)s holds.", number=to)
    return _("Paused; your own phone rings.")


def _disconnected(view: StatusView) -> str | None:
    if not view.standing:
        return None
    to = destinations(view.standing)
    return _("Disconnected; your own forward to %(number)s holds again.", number=to)


_WRITERS: dict[PageState, Callable[[StatusView], str | None]] = {
    PageState.QUOTED: _quoted,
    PageState.IDLE: _idle,
    PageState.FORWARDING: _forwarding,
    PageState.STALE: _stale,
    PageState.REFUSED: _not_taken,
    PageState.PAUSED: _paused,
    PageState.DISCONNECTED: _disconnected,
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
    "forward_restored": _l("Own forward back on"),
    "forward_kept": _l("Own forward kept"),
    "forward_replaced": _l("Own forward removed"),
    "foreign_forward": _l("A forward was set by hand; it stays"),
    "changed_by_hand": _l("The forward was changed by hand; it stays until the next appointment"),
    "moved": _l("Moved to another exchange or extension"),
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
    """ "EUR 12,50 per maand excl. btw (EUR 15,13 incl. 21% btw)" """
    if request.monthly_price is None:
        return ""
    found = _("%(price)s a month excl. VAT", price=formats.money(request.monthly_price))
    if request.vat_percent is None:
        return found
    total, language = Price(request.monthly_price, request.vat_percent), locale().language
    including = _(
        "%(price)s incl. %(vat)s VAT", price=total.including(language), vat=total.vat(language)
    )
    return f"{found} ({including})"
