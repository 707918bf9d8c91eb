"""What can go wrong on the way from request to ready, each with a stable code for the pages."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from ..refusals import Refusal


class OnboardingError(Refusal):
    """A step of a request that did not happen; nothing was changed."""

    code = "onboarding"


class ChangedMeanwhile(OnboardingError):
    """Somebody else took a step first: look again, then decide."""

    code = "changed"


class NotPossible(OnboardingError):
    """The request is not in a state in which this can happen, or not by this role."""

    code = "not_possible"


class QuoteExpired(OnboardingError):
    """The quote's last day has passed; support makes a new one."""

    code = "expired"


class AlreadyOpen(OnboardingError):
    """Another request for the same extension is open; `request_id` is that one."""

    code = "already_open"

    def __init__(self, request_id: UUID | None) -> None:
        super().__init__(str(request_id))
        self.request_id = request_id


class NotOnExchange(OnboardingError):
    """The checklist stands in the way; `check` tells what.

    An outcome of `LineCheck`, `not_listed`, `unknown_account` or `closed_account`.
    """

    code = "not_on_exchange"

    def __init__(self, check: str, detail: str = "") -> None:
        super().__init__(detail or check)
        self.check = check
        self.detail = detail


class WrongFields(OnboardingError):
    """What was typed is wrong. `faults` maps each field to a stable code."""

    code = "fields"

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(", ".join(f"{field}: {code}" for field, code in sorted(faults.items())))
        self.faults = dict(faults)
