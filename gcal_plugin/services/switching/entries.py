"""What the ledger says of a switch: asked, sent, answered, how late, and what came of it."""

from __future__ import annotations

from typing import Any

from ...ports import StaleRevision, VerifyMismatch
from ...store.queries_settling import Settlement
from ...store.queries_sweep import RESTORED
from .model import Intent, Outcome, Step, pairs

WORDS = 255
"""The most characters of an error that are kept."""


def entry(outcome: Outcome, row: Settlement, ours: bool) -> dict[str, Any]:
    """The ledger's line for a write; `ours` where the line was still ours to record."""
    intent, claim = outcome.intent, outcome.intent.claim
    asked = claim.asked_at or claim.due_at
    late = None
    if outcome.applied is not None and outcome.answered_at is not None:
        late = (outcome.answered_at - asked).total_seconds()
    words = str(outcome.error) if outcome.error else (row.last_error or None)
    if intent.foreign and not intent.ours:
        words = f"{RESTORED}: {words}" if words else RESTORED
    return {
        "link_id": claim.link_id,
        "tenant_id": claim.tenant_id,
        "pbx": claim.pbx,
        "due_at": asked,
        "cause": claim.due_cause,
        "revision": intent.revision,
        "destinations": pairs(intent.target),
        "event_ids": intent.event_ids,
        "sent_at": outcome.sent_at,
        "answered_at": outcome.answered_at,
        "seconds_late": late,
        "outcome": _outcome(outcome, ours),
        "detail": words[:WORDS] if words else (None if intent.step is not Step.PLAN else "plan"),
        "policy_version": intent.policy_version[:16],
    }


def by_plan(intent: Intent) -> dict[str, Any]:
    """The ledger's line for an edge that the exchange carried out by itself."""
    claim = intent.claim
    return {
        "link_id": claim.link_id,
        "tenant_id": claim.tenant_id,
        "pbx": claim.pbx,
        "due_at": claim.asked_at or claim.due_at,
        "cause": claim.due_cause,
        "revision": claim.observed_revision or 0,
        "destinations": pairs(intent.target),
        "event_ids": intent.event_ids,
        "sent_at": None,
        "answered_at": None,
        "seconds_late": 0.0,
        "outcome": "done",
        "detail": "by plan",
        "policy_version": intent.policy_version[:16],
    }


def _outcome(outcome: Outcome, ours: bool) -> str:
    if not ours:
        return "stale"
    error = outcome.error
    if error is None:
        return "refused" if outcome.refused and not outcome.intent.ours else "done"
    if isinstance(error, StaleRevision):
        return "stale"
    if isinstance(error, VerifyMismatch):
        return "mismatch"
    return "refused" if error.permanent else "temporary"
