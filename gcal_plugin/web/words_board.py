"""Words for the operators' board."""

from __future__ import annotations

from ..ports.load import Busy
from ..services.reporting import Halted, Standstill, Wrong
from .i18n import gettext as _
from .i18n import lazy_gettext as _l

_WRONG = {
    Wrong.OVERDUE: _l("Not switched yet"),
    Wrong.BROKEN: _l("Connection broken"),
    Wrong.REFUSED: _l("Refused by the exchange"),
    Wrong.UNVERIFIED: _l("Not confirmed by the exchange"),
    Wrong.QUARANTINED: _l("Set apart"),
    Wrong.CONTESTED: _l("Changed by hand"),
    Wrong.STALE: _l("Calendar not fetched"),
    Wrong.HOLDER: _l("Nobody's connection"),
    Wrong.MAIL: _l("Mail not sent"),
    Wrong.REQUEST: _l("Request left waiting"),
}
_REASONS = {
    "revoked": _l("The customer withdrew access at Google; only a new connection helps."),
    "gone": _l("The calendar is gone at Google."),
    "unreadable": _l("Google no longer shows the titles of this calendar."),
    "changed_by_hand": _l("Somebody put another forward on the phone itself, twice."),
    "late": _l("The fetch is overdue: look at the workers and at the quota."),
    "edge": _l("The edge of an appointment has passed: look at the clock and the workers."),
    "change": _l("A change in the calendar waits: look at the clock and the workers."),
    "accessNotConfigured": _l("The Calendar API is switched off in our Google project."),
    "dailyLimitExceededUnreg": _l("Google counts our requests to no project: check the client."),
    "invalid_client": _l("Google does not know the client's id and secret."),
    "unauthorized_client": _l("Google does not let this client refresh its tokens."),
    "unknown_client": _l("The consent is of a client that is not configured any more."),
    "cannot_open": _l("A token cannot be opened: an encryption key is missing."),
    "domainPolicy": _l("The administrator of the customer's Google domain closed the calendars."),
    "quotaExceeded": _l("Google's allowance is used up; it is asked again within the hour."),
    "unreachable": _l("Google does not answer: look at the network and the proxy."),
    "http403": _l("Something in between answers instead of Google: look at the proxy."),
    "http404": _l("Something in between answers instead of Google: look at the proxy."),
    "notFound": _l("Google does not find the calendar; a second look decides."),
    "refresh_busy": _l("New tokens are waited for; that mends itself."),
    "held_back": _l("The exchange does not answer; it is tried at least every half minute."),
    "governed": _l("Our share of the Google quota is used up for now."),
    "unknown_account": _l(
        "The portal no longer has its account. It goes on: have a colleague take it over, or end "
        "its contract at the desk."
    ),
    "closed_account": _l(
        "Its account is closed in the portal. It goes on: have a colleague take it over, or end "
        "its contract at the desk."
    ),
    "requested": _l("Waits for a quote."),
    "agreed": _l("Agreed; waits to be set up."),
    "provisioning": _l("Is being set up."),
}
_RETRIES = {
    Wrong.STALE: _l("Fetch now"),
    Wrong.BROKEN: _l("Fetch now"),
    Wrong.HOLDER: _l("Ask the portal again"),
    Wrong.MAIL: _l("Send again"),
    Wrong.REQUEST: _l("Remind the desk"),
}
_QUEUES = {
    "gcal-switch": _l("Forwards"),
    "gcal-sync": _l("Calendars"),
    "gcal-care": _l("Upkeep"),
    "gcal-mail": _l("Mails"),
}


def wrong(kind: Wrong) -> str:
    """What is wrong, in a few words."""
    return str(_WRONG[kind])


def reason(code: str) -> str:
    """Why; an exchange's own words stay as they are."""
    known = _REASONS.get(code)
    return str(known) if known is not None else code


def retry(kind: Wrong) -> str:
    """What the button does."""
    known = _RETRIES.get(kind)
    return str(known) if known is not None else _("Try again")


def queue(name: str) -> str:
    """A queue by what it is for."""
    known = _QUEUES.get(name)
    return str(known) if known is not None else name


def busy(one: Busy) -> str:
    """What a long job is at, and how far."""
    of = {"count": one.done, "total": one.total}
    if one.task == "purge":
        return _("Forgets what is over: %(count)s rows so far", count=one.done)
    if one.task == "sync":
        return _("Fetches calendars anew: %(count)s of %(total)s", **of)
    if one.task == "rotate":
        return _("Seals with the new key: %(count)s of %(total)s", **of)
    if one.task == "import":
        return _("Imports lines: %(count)s so far", count=one.done)
    return _("Counts switches: %(count)s so far", count=one.done)


def halted(one: Halted) -> tuple[str, str]:
    """What stands still, and what to do about it."""
    if one.what is Standstill.CLOCK:
        return (
            _("No clock runs: nothing starts and nothing ends."),
            _("Start the clock on any machine; where it does run, its log says what it waits for."),
        )
    if one.what is Standstill.QUEUE:
        return (
            _("The queue's server does not answer."),
            _("The clock does the work itself, more slowly. Bring the server back."),
        )
    if one.what is Standstill.GOOGLE:
        return (
            _("Google refuses us: %(reasons)s", reasons=" ".join(map(reason, one.codes))),
            _("Known appointments go on. Mend it at Google or in the settings."),
        )
    names = ", ".join(queue(name) for name in one.queues)
    return (
        _("Nobody serves these queues: %(queues)s.", queues=names),
        _("Start a worker for each of them."),
    )
