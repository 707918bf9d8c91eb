"""Codes in words: states, problems, reasons, activity. English here, other languages by Babel."""

from __future__ import annotations

from ..domain.money import Price
from ..services.reporting import ActivityView, PageState, RequestView
from . import formats
from .i18n import gettext as _
from .i18n import lazy_gettext as _l
from .i18n import locale
from .words_events import held, later, leads, not_on, reason, repair, verdict
from .words_parts import destination, destinations, kind
from .words_problems import GRAVE, consequence, mend, problem
from .words_sentence import more, sentence

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
    "more",
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


def owner(code: str, *, at_desk: bool = False) -> str:
    """Whose turn it is, `you` or `us`; the desk reads of its customer by that name."""
    if code != "you":
        return _("We")
    return _("Customer") if at_desk else _("You")


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
