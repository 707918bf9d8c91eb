"""What an appointment does, or why it does nothing and how to mend it, in words."""

from __future__ import annotations

from ..domain.reasons import Reason
from ..services.reporting import EventView, LinkFacts
from .coming import Coming
from .formats import short_day
from .i18n import gettext as _
from .i18n import lazy_gettext as _l
from .i18n import ngettext
from .words_parts import destination

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
    Reason.NOT_UNDERSTOOD: _l("We cannot read this appointment at the moment."),
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
    if event.held:
        return _("For now does not forward to %(number)s", number=to)
    if event.running:
        return _("Forwards to %(number)s", number=to)
    return _("Will forward to %(number)s", number=to)


def leads() -> tuple[str, str, str]:
    """What a screen reader says before a number: that runs, that will, that does not for now."""
    return (
        _("Forwards to %(number)s", number="").strip(),
        _("Will forward to %(number)s", number="").strip(),
        _("For now does not forward to %(number)s", number="").strip(),
    )


def repair(event: EventView) -> str:
    """What to change, where we know it."""
    if not event.suggestion:
        return ""
    return _("Did you mean %(title)s?", title=event.suggestion)


def held(link: LinkFacts | None) -> str:
    """Why an appointment that is right does nothing: a pause, or a link that stands still."""
    return _("paused") if link is not None and link.paused else _("stands still")


def not_on() -> str:
    """An appointment that runs, and to which the exchange does not forward."""
    return _("not on")


def later(found: Coming) -> str:
    """What is folded away, and how much of it does not forward."""
    since = short_day(found.later[0][0])
    told = ngettext(
        "%(num)d appointment from %(day)s on",
        "%(num)d appointments from %(day)s on",
        found.count_later,
        day=since,
    )
    if not found.wrong_later:
        return told
    return told + ngettext(
        ", of which %(num)d does not forward",
        ", of which %(num)d do not forward",
        found.wrong_later,
    )
