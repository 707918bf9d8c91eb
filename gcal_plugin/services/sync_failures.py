"""What is written down of a fetch that failed, and of one that nobody needs any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..ports import CalendarError
from ..store.bulk import Row
from ..store.queries_calendar import Claim
from . import sync_timing

_GOVERNED_STEP = 2


@dataclass(frozen=True, slots=True)
class Failure:
    """A fetch that did not succeed; with `forget_token` the next one lists the whole window."""

    claim: Claim
    error: CalendarError
    forget_token: bool = False


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
    # Waiting for our share of the quota is no failure; half a minute later there is more of it.
    governed = error.reason == "governed"
    failures = claim.failures if governed else claim.failures + 1
    step = _GOVERNED_STEP if governed else failures
    return {
        "id": claim.id,
        "generation": claim.generation,
        "lease_until": None,
        "sync_token": None if failure.forget_token else claim.sync_token,
        "failures": failures,
        "last_error": error.reason[:255],
        "next_sync_at": sync_timing.after_failure(
            now, step, retry_after=error.retry_after, permanent=error.permanent
        ),
    }
