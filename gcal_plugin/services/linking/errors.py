"""What can go wrong while linking, each with the stable code that the pages word."""

from __future__ import annotations

from ...domain.destination import Destination
from ..refusals import Refusal


class LinkingError(Refusal):
    """A step of linking that did not happen; nothing was saved."""

    code = "linking"


class AttemptRefused(LinkingError):
    """The way back from Google does not belong to this person, session or time.

    `code` is `state` (unknown or used before), `session`, `account` or `expired`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code=code)


class ConsentCancelled(LinkingError):
    """The person pressed cancel at Google."""

    code = "cancelled"


class ConsentFailed(LinkingError):
    """Google answered with another error than a cancel; `reason` is Google's code."""

    code = "consent_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ScopesMissing(LinkingError):
    """The person left a box unticked; without it nothing works."""

    code = "scopes"

    def __init__(self, missing: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(missing)))
        self.missing = missing


class NoRefreshToken(LinkingError):
    """Google gave no lasting access; connecting again with consent mends it."""

    code = "no_refresh_token"


class NothingToChoose(LinkingError):
    """There is no consent and no grant to choose a calendar with: connect first."""

    code = "not_connected"


class CalendarVanished(LinkingError):
    """The chosen calendar is no longer in the account's list."""

    code = "calendar_vanished"


class TitlesUnreadable(LinkingError):
    """The chosen calendar shows only free and busy."""

    code = "titles_unreadable"


class OtherAccount(LinkingError):
    """Another Google account than before: the person has to say so."""

    code = "other_account"

    def __init__(self, previous: str, now: str) -> None:
        super().__init__("another Google account")
        self.previous = previous
        self.now = now


class ForwardExists(LinkingError):
    """The extension already has a forward that is not ours: the person has to decide."""

    code = "forward_exists"

    def __init__(self, destinations: frozenset[Destination]) -> None:
        super().__init__("the extension has a forward already")
        self.destinations = destinations


class ExtensionTaken(LinkingError):
    """Another live link drives this extension."""

    code = "extension_taken"


class ExtensionUnknown(LinkingError):
    """The portal's list does not have this extension for this customer."""

    code = "extension_unknown"


class BadFallback(LinkingError):
    """The fallback number is not one that may be forwarded to; `reason` is the policy's code."""

    code = "bad_fallback"

    def __init__(self, reason: str, suggestion: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.suggestion = suggestion
