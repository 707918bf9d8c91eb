"""Words for requests and the desk: states, steps, faults, what an exchange can do."""

from __future__ import annotations

from decimal import Decimal

from ..domain.money import Price
from ..domain.request_state import RequestState
from ..ports import Capabilities
from ..services.onboarding.building import LineCheck
from ..services.refusals import Refusal
from ..services.stopping import Why
from . import formats
from .i18n import gettext as _
from .i18n import lazy_gettext as _l
from .i18n import locale

_FAULTS = {
    "required": _l("Fill this in."),
    "too_long": _l("This is too long."),
    "not_an_email": _l("This is not an e-mail address."),
    "unknown_account": _l("The portal has no account with this address for this customer."),
    "not_an_extension": _l("An extension is two to six digits in one piece."),
    "unknown_extension": _l("This extension is not in the list of this customer."),
    "taken": _l("This extension has been requested or connected by somebody else."),
    "no_extension": _l("Choose an extension."),
    "too_many": _l("These are too many at once."),
    "price_empty": _l("Fill in a price, 0 where it is free."),
    "price_unreadable": _l("This is not a price. Write it like 12,50."),
    "price_negative": _l("A price cannot be negative."),
    "price_too_high": _l("This price is too high."),
    "not_a_rate": _l("A VAT rate is a percentage, like 21."),
    "not_a_date": _l("This is not a date."),
    "in_the_past": _l("This date has passed."),
    "too_far": _l("This date is too far away."),
    "not_a_number_of_days": _l("This is a number of days, 1 to 365."),
    "not_a_country": _l("Countries are written as two letters, like NL, BE."),
    "not_a_number": _l("This is not a telephone number."),
}


def fault(code: str) -> str:
    """What is wrong with a field."""
    known = _FAULTS.get(code)
    return str(known) if known is not None else _("This is not right.")


_ERRORS = {
    "changed": _l("Somebody else was just before you. Look again, then decide."),
    "not_possible": _l("This is no longer possible for this request."),
    "expired": _l("The quote has expired. The helpdesk can make a new one."),
    "already_open": _l("There is another open request for this extension."),
    "extension_taken": _FAULTS["taken"],
}
_CHECKS = {
    "found": _l("The exchange knows this extension."),
    "cannot_check": _l("This exchange cannot be asked; check the extension by hand."),
    "unknown": _l("The exchange does not know this extension."),
    "unreachable": _l("The exchange does not answer. Try again in a while."),
    "refused": _l("The exchange does not let us in."),
    "not_listed": _l("The portal does not list this extension for this customer."),
    "unknown_account": _l("The portal no longer has the account of this request."),
    "closed_account": _l("The account of this request is closed in the portal."),
}


def error(found: Refusal) -> str:
    """Why a step did not happen."""
    known = _ERRORS.get(found.code) or _CHECKS.get(str(getattr(found, "check", "")))
    return str(known) if known is not None else _("That did not work. Nothing has changed.")


def holder(code: str) -> str:
    """What is wrong with the account that a request is for; see `building.Checklist.holder`."""
    return str(_CHECKS[code])


def check(found: LineCheck) -> str:
    """What the exchange said of the extension."""
    return str(_CHECKS[found.outcome])


_STATES = {
    RequestState.REQUESTED: _l("Requested"),
    RequestState.QUOTED: _l("Quote sent"),
    RequestState.AGREED: _l("Agreed"),
    RequestState.DECLINED: _l("Declined"),
    RequestState.EXPIRED: _l("Quote expired"),
    RequestState.PROVISIONING: _l("Being set up"),
    RequestState.READY: _l("Ready to connect"),
    RequestState.LINKED: _l("Connected"),
    RequestState.ENDED: _l("Ended"),
    RequestState.CANCELLED: _l("Cancelled"),
}


def state(code: RequestState | str) -> str:
    """Where a request stands."""
    return str(_STATES[RequestState(code)])


_NEXT = {
    RequestState.REQUESTED: _l("Request received; you will get a quote."),
    RequestState.AGREED: _l("Agreement received; we will set it up."),
    RequestState.PROVISIONING: _l("We are setting up your integration."),
    RequestState.READY: _l("Now connect your Google account."),
}


def next_step(code: RequestState) -> str:
    """What happens now, as the status page says it too; empty where the page itself tells."""
    known = _NEXT.get(code)
    return str(known) if known is not None else ""


_ACTIONS = {
    "request": _l("Requested"),
    "request_directly": _l("Requested by telephone"),
    "quote": _l("Quote made"),
    "agree": _l("Agreed"),
    "decline": _l("Declined"),
    "expire": _l("Quote expired"),
    "provision": _l("Setting up begun"),
    "finish": _l("Ready to connect"),
    "link": _l("Calendar connected"),
    "unlink": _l("Calendar disconnected"),
    "cancel": _l("Cancelled"),
    "end": _l("Contract ended"),
    "end_planned": _l("End of the contract planned"),
    "end_withdrawn": _l("End of the contract withdrawn"),
    "take_over": _l("Taken over"),
    "owner_changed": _l("Taken over by an administrator"),
    "note": _l("Message to the customer"),
}


def action(code: str) -> str:
    """What somebody did."""
    known = _ACTIONS.get(code)
    return str(known) if known is not None else code.replace("_", " ")


_MAILS = {
    "received": _l("Request received"),
    "received_desk": _l("New request"),
    "quote": _l("Quote"),
    "quote_reminder": _l("Reminder of the quote"),
    "agreed": _l("Agreement received"),
    "agreed_desk": _l("Agreement"),
    "declined": _l("Quote declined"),
    "declined_desk": _l("Quote declined"),
    "cancelled": _l("Request cancelled"),
    "done": _l("Ready to connect"),
    "note": _l("Message"),
    "link_broken": _l("Connection broken"),
    "link_works": _l("Connection works again"),
    "ending": _l("End announced"),
    "kept": _l("End of the contract withdrawn"),
    "ended": _l("Ended"),
    "limit_desk": _l("Limit reached"),
}


def mail(kind: str) -> str:
    """What a letter is about."""
    known = _MAILS.get(kind)
    return str(known) if known is not None else kind.replace("_", " ")


_STOPPED = {
    Why.FRAUD: _l("Abuse is suspected"),
    Why.COSTS: _l("The costs run up"),
    Why.FAULT: _l("A fault"),
    Why.ASKED: _l("The customer asked for it"),
    Why.OTHER: _l("Something else"),
}


def why_stopped(code: Why) -> str:
    """Why forwarding was switched off for everybody."""
    return str(_STOPPED[code])


def percent(rate: Decimal) -> str:
    """ "21%" """
    return Price(Decimal(0), rate).vat(locale().language)


def excluding(price: Price) -> str:
    """ "EUR 12,50 excl. btw" """
    return _("%(price)s excl. VAT", price=price.excluding(locale().language))


def including(price: Price) -> str:
    """ "EUR 15,13 incl. 21% btw" """
    language = locale().language
    return _(
        "%(price)s incl. %(vat)s VAT", price=price.including(language), vat=price.vat(language)
    )


def capabilities(found: Capabilities) -> list[str]:
    """What this exchange does with forwards, as support tells it to a customer."""
    said = []
    if found.max_destinations is not None:
        said.append(_("At most %(num)d destinations at once.", num=found.max_destinations))
    if found.multi_keeps_own_phone:
        said.append(_("With several destinations the own phone rings too."))
    if not found.accepts_extensions:
        said.append(_("Forwards to extensions are not possible, only to numbers."))
    if found.answer_confirmation:
        said.append(_("Whoever answers presses 1 to take the call."))
    if found.ring_seconds is not None:
        said.append(_("A destination rings for %(num)d seconds.", num=found.ring_seconds))
    said.append(
        {
            "ends": _("If nobody answers, the call ends."),
            "own_route": _("If nobody answers, the call goes the extension's own way."),
        }.get(found.without_answer, _("What happens if nobody answers is set on the exchange."))
    )
    said.append(
        {
            "caller": _("The called person sees the caller's number."),
            "own": _("The called person sees the number of the extension."),
            "either": _("Which number the called person sees is set on the exchange."),
        }.get(found.caller_number, _("Which number the called person sees is not known."))
    )
    if not found.proven:
        said.append(_("This kind of exchange was only tried against a stand-in."))
    return said


def age(seconds: float) -> str:
    """How long a request waits."""
    return formats.duration(seconds)
