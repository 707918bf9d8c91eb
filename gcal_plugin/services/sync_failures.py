"""What is written down of a fetch that failed, and of one that nobody needs any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..ports import CalendarError
from ..store.bulk import Row
from ..store.queries_calendar import Claim
from . import sync_timing
from .grants import BUSY

_PATIENT = frozenset({"governed", BUSY})
"""Waiting for our share of the quota, or for a refresh, is no failure: it comes of itself."""
_PATIENT_STEP = 2
"""Half a minute later there is more of it."""
_SCOPE_REASON = "insufficientPermissions"


PROJECT_FAULTS = frozenset(
    {
        *("accessNotConfigured", "dailyLimitExceededUnreg", "ipRefererBlocked", "keyInvalid"),
        *("invalid_client", "unauthorized_client", "deleted_client", "disabled_client"),
        *("unknown_client", "org_internal", "cannot_open"),
    }
)
"""Codes that speak of our project, client or keys: no customer can mend them, an operator must."""


class Loss(StrEnum):
    """What a refusal takes from the links that follow the calendar."""

    GONE = "gone"
    UNREADABLE = "unreadable"
    ACCESS = "revoked"
    """Not this calendar: the consent does not cover calendars any more."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A fetch that did not succeed; with `forget_token` the next one lists the whole window."""

    claim: Claim
    error: CalendarError
    forget_token: bool = False

    @property
    def loss(self) -> Loss | None:
        """What it takes, once Google said the same at two looks that were due, a minute apart.

        Said once it may be a hiccup, and a forward that is on would be cut by it.
        """
        return _loss(self.error) if self._repeated else None

    @property
    def doubted(self) -> bool:
        """Whether the next look decides."""
        return _loss(self.error) is not None and not self._repeated

    @property
    def _repeated(self) -> bool:
        return self.claim.last_error == _code(self.error) and not self._early

    @property
    def _early(self) -> bool:
        """Whether somebody asked for this look before it was due."""
        due = self.claim.next_sync_at
        return due is not None and due > self.claim.sync_started_at


def _loss(error: CalendarError) -> Loss | None:
    if not error.permanent:
        return None
    if error.status == 404:
        return Loss.GONE
    if error.status == 403:
        return Loss.ACCESS if error.reason == _SCOPE_REASON else Loss.UNREADABLE
    return None


def _code(error: CalendarError) -> str:
    return error.reason[:255]


def let_go(claim: Claim) -> Row:
    """Nobody follows it, or its grant is over: no more fetches until somebody asks."""
    return {
        "id": claim.id,
        "generation": claim.generation,
        "lease_until": None,
        "next_sync_at": None,
    }


def failure_row(failure: Failure, now: datetime) -> Row:
    """The row of a failure: what is stored goes on, and the calendar comes again later."""
    claim, error = failure.claim, failure.error
    return {
        "id": claim.id,
        "generation": claim.generation,
        "lease_until": None,
        "sync_token": None if failure.forget_token else claim.sync_token,
        "failures": claim.failures if error.reason in _PATIENT else claim.failures + 1,
        "last_error": _code(error),
        "next_sync_at": _again(failure, now),
    }


def _again(failure: Failure, now: datetime) -> datetime:
    claim, error = failure.claim, failure.error
    if failure.doubted:
        planned = claim.next_sync_at
        same = claim.last_error == _code(error)
        return planned if same and planned and planned > now else sync_timing.after_doubt(now)
    step = _PATIENT_STEP if error.reason in _PATIENT else claim.failures + 1
    # Without its token the next look is another question, so it need not wait long.
    permanent = error.permanent and not failure.forget_token
    return sync_timing.after_failure(now, step, retry_after=error.retry_after, permanent=permanent)
