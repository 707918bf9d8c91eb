"""Every stable code for "this event does not forward", and how loudly each is told.

The codes are public: pages, mails, `flask gcal explain` and the database carry them. A code may be
added; renaming one is a change of the contract. What customers read for each code lives in the
translations, not here.
"""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How an event with a reason is shown."""

    ORDINARY = "ordinary"
    """An ordinary appointment: folded away, never warned about."""
    REPAIRABLE = "repairable"
    """Meant as a forward, but typed wrongly: warned about, with the repair."""
    STATE = "state"
    """The title is fine; the event itself does not count (declined, private, an invitation)."""
    REFUSED = "refused"
    """The title is fine; the destination is not allowed here."""


class Reason(StrEnum):
    """Why an event's title or destination does not become a forward."""

    # -- ordinary appointments -----------------------------------------------------------------
    ORDINARY_TEXT = "ordinary_text"
    """The title does not look like a destination at all."""
    EMPTY_TITLE = "empty_title"
    """There is no title, or only spaces."""

    # -- titles that look like a destination but are none ---------------------------------------
    TEXT_BESIDE_NUMBER = "text_beside_number"
    """A number, or an extension, with other words beside it."""
    SLASH = "slash"
    """One number written with a slash, which could also mean two numbers."""
    SEVERAL_NUMBERS = "several_numbers"
    """More than one number: make one event for each."""
    TOO_SHORT = "too_short"
    """Digits are missing."""
    TOO_LONG = "too_long"
    """There are more digits than a number of that kind has."""
    LETTERS = "letters"
    """Letters among the digits."""
    LOOKALIKE_DIGITS = "lookalike_digits"
    """Digits of another script or style, which look like 0-9 and are not."""
    INVISIBLE_CHARACTERS = "invisible_characters"
    """Characters that cannot be seen (zero width, direction marks): type the number again."""
    MISSING_ZERO = "missing_zero"
    """A national number without its first 0."""
    MISSING_PREFIX = "missing_prefix"
    """An international number without its 00 or +."""
    SERVICE_PREFIX = "service_prefix"
    """A keypad code (`*21*...#`, `;ext=`, pauses) instead of a plain number."""
    INVALID_NUMBER = "invalid_number"
    """The right shape, but no such number exists."""

    # -- the event does not count -----------------------------------------------------------------
    INVITATION = "invitation"
    """Somebody else organises the event."""
    PRIVATE = "private"
    """The title is hidden from the linked account."""
    FREE_BUSY_ONLY = "free_busy_only"
    """The linked account may no longer read titles in this calendar."""
    DECLINED = "declined"
    """The calendar's owner declined it."""
    CANCELLED = "cancelled"
    """The event was cancelled."""
    ZERO_LENGTH = "zero_length"
    """The event ends when it starts, or before."""
    NO_END = "no_end"
    """The event has no end."""
    NOT_UNDERSTOOD = "not_understood"
    """The event is stored in a way that the running version cannot read, as after a roll-back."""
    EVENT_TYPE = "event_type"
    """Not an appointment: a working location, focus time, a birthday, an absence."""

    # -- refused by the rules on destinations ---------------------------------------------------
    EMERGENCY = "emergency"
    """112 and the other emergency numbers, with or without a prefix: never. Helplines (113, 144,
    116xxx) too, unless the list of extensions holds exactly those digits."""
    PREMIUM = "premium"
    """A number that the caller pays extra for (0900, 0906, 0909, +979)."""
    SHARED_COST = "shared_cost"
    """A number whose costs are shared; off unless the tenant chose to allow it."""
    SERVICE_NUMBER = "service_number"
    """A service number that is not meant to be dialled from a forward (067, 082)."""
    SHORT_CODE = "short_code"
    """A short number of the public network (12xx, 13xx, 14xx, 14 and an area code, 16xx, 18xx) that
    is not in the list of extensions."""
    PERSONAL_NUMBER = "personal_number"
    """A personal or find-me number (084, 087), whose price cannot be known."""
    SATELLITE = "satellite"
    """A satellite or international network (+870, +881, +882, +883)."""
    M2M = "m2m"
    """A number of a machine (097)."""
    PAGER = "pager"
    """A pager (066)."""
    COUNTRY_CLOSED = "country_closed"
    """A country that is not open for this link; support can open it."""
    NUMBER_TYPE_REFUSED = "number_type_refused"
    """A kind of number that the rules do not allow."""
    PREFIX_REFUSED = "prefix_refused"
    """A range of numbers that the tenant's rules close."""
    UNKNOWN_EXTENSION = "unknown_extension"
    """Not an extension of this telephone exchange."""
    NOT_REACHABLE_KIND = "not_reachable_kind"
    """An extension of a kind that a forward cannot reach here (a menu, a voicemail)."""
    OWN_NUMBER = "own_number"
    """The extension's own public number: the call would come back to itself."""
    LOOP = "loop"
    """The forward leads back to where it came from."""
    BLOCKED_BY_OWNER = "blocked_by_owner"
    """The owner of the number asked for no forwards to it."""

    # -- limits ---------------------------------------------------------------------------------
    TOO_MANY = "too_many"
    """More destinations at once than the exchange or the rules allow; the earliest start wins."""
    TOO_LONG_FORWARD = "too_long_forward"
    """The event lasts longer than a forward may."""
    CHANGES_CAP = "changes_cap"
    """More changes in a day than the rules allow."""
    KILLED = "killed"
    """Forwarding is switched off by support."""


_ORDINARY = frozenset(
    {Reason.ORDINARY_TEXT, Reason.EMPTY_TITLE, Reason.EVENT_TYPE, Reason.CANCELLED}
)
_REPAIRABLE = frozenset(
    {
        Reason.TEXT_BESIDE_NUMBER,
        Reason.SLASH,
        Reason.SEVERAL_NUMBERS,
        Reason.TOO_SHORT,
        Reason.TOO_LONG,
        Reason.LETTERS,
        Reason.LOOKALIKE_DIGITS,
        Reason.INVISIBLE_CHARACTERS,
        Reason.MISSING_ZERO,
        Reason.MISSING_PREFIX,
        Reason.SERVICE_PREFIX,
        Reason.INVALID_NUMBER,
    }
)
_STATE = frozenset(
    {
        Reason.INVITATION,
        Reason.PRIVATE,
        Reason.FREE_BUSY_ONLY,
        Reason.DECLINED,
        Reason.ZERO_LENGTH,
        Reason.NOT_UNDERSTOOD,
        Reason.NO_END,
    }
)


def severity(reason: Reason) -> Severity:
    """Answer how loudly `reason` is told."""
    if reason in _ORDINARY:
        return Severity.ORDINARY
    if reason in _REPAIRABLE:
        return Severity.REPAIRABLE
    if reason in _STATE:
        return Severity.STATE
    return Severity.REFUSED


def is_ordinary(reason: Reason | None) -> bool:
    """Answer whether an event with this reason is an ordinary appointment, shown folded away."""
    return reason is not None and severity(reason) is Severity.ORDINARY
