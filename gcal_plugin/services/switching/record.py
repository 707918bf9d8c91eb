"""Writing down what came of a batch: the lines' new state, the ledger, what people must know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from ...ports import StaleRevision, TelephonyError, Temporary, VerifyMismatch
from ...store.queries_settling import Settlement, add_ledger, doubt, settle
from ...store.tables import Activity
from .. import guarding
from . import retrying
from .compute import day_of
from .entries import WORDS, by_plan, entry
from .foreseen import Unforeseen
from .model import BatchReport, Intent, Outcome, pairs, set_of
from .plans import stored


def unchanged(intent: Intent) -> Settlement:
    """The row as it was, still due, its lease given back; what was known is known again."""
    claim = intent.claim
    return Settlement(
        link_id=claim.link_id,
        generation=claim.generation,
        due_at=claim.due_at,
        due_cause=claim.due_cause,
        asked_at=claim.asked_at or claim.due_at,
        settled=claim.generation - 1 if claim.in_doubt else claim.generation,
        revision=intent.revision or claim.revision,
        desired=claim.desired,
        observed=claim.observed,
        observed_revision=claim.observed_revision,
        observed_at=claim.observed_at,
        foreign_set=pairs(intent.foreign) if intent.foreign is not None else claim.foreign_set,
        plan=claim.plan,
        plan_until=claim.plan_until,
        trial_value=claim.trial_value,
        trial_until=claim.trial_until,
        failures=claim.failures,
        last_error=claim.last_error,
        refused=claim.refused,
        quarantined_at=None,
        changes_day=claim.changes_day,
        changes_count=claim.changes_count,
    )


def quiet(intent: Intent, now: datetime) -> Settlement:
    """The line needed no write: what it should hold, it holds."""
    row = _settled(intent, now, observed_revision=intent.claim.observed_revision)
    return row if intent.fault is None else poisoned(intent, now, row)


def _settled(
    intent: Intent, now: datetime, *, observed_revision: int | None, refused: Sequence[Any] = ()
) -> Settlement:
    claim = intent.claim
    over = intent.trial_over
    return replace(
        unchanged(intent),
        due_at=intent.next_at,
        due_cause="edge",
        asked_at=intent.next_at,
        settled=claim.generation,
        desired=pairs(intent.ours),
        observed=pairs(intent.observed) if intent.observed is not None else None,
        observed_revision=observed_revision,
        observed_at=now,
        plan=stored(intent.plan) if intent.plan_until is not None else None,
        plan_until=intent.plan_until,
        trial_value=None if over else claim.trial_value,
        trial_until=None if over else claim.trial_until,
        failures=0,
        last_error=None,
        refused=[*intent.refused, *refused],
    )


def poisoned(intent: Intent, now: datetime, ended: Settlement | None = None) -> Settlement:
    """The line could not be worked out: again soon, and after three times set apart.

    `ended` is what became of it where something on it was over. Never later than its next edge,
    since then something may be over again.
    """
    failures, fault = intent.claim.failures + 1, intent.fault
    apart = failures >= retrying.POISON_TRIES
    if isinstance(fault, guarding.RulesUnknown):
        words, wait = str(fault), retrying.after_silence(failures, None)
    else:
        words = f"{type(fault).__name__}: {fault}"
        wait = retrying.QUARANTINE if apart else retrying.after_poison(failures)
    due_at = min(now + wait, intent.next_at or now + wait)
    row = unchanged(intent) if ended is None else replace(ended, asked_at=due_at)
    return replace(
        row,
        due_at=due_at,
        failures=failures,
        last_error=words[:WORDS],
        quarantined_at=now if apart else None,
    )


def _set_apart(row: Settlement, now: datetime) -> Settlement:
    """Told as quarantined once it broke often enough; tried like any line that must be right."""
    apart = row.failures >= retrying.POISON_TRIES
    return replace(row, quarantined_at=now if apart else None)


def held_back(intent: Intent, now: datetime, seconds: float) -> Settlement:
    """The exchange is being left alone: nothing was sent, so nothing is in doubt."""
    return replace(unchanged(intent), due_at=now + timedelta(seconds=seconds))


def answered(outcome: Outcome, now: datetime) -> Settlement:
    """The row after a write, by what the exchange said it holds, or by its error."""
    intent = outcome.intent
    if outcome.applied is None:
        assert outcome.error is not None
        row = _failed(intent, outcome.error, now, unsent=outcome.unsent)
        return _set_apart(row, now) if isinstance(outcome.error, Unforeseen) else row
    bad = {destination for destination, _ in outcome.refused}
    intent.ours = tuple(one for one in intent.ours if one not in bad)
    intent.observed = outcome.applied.destinations
    row = _settled(
        intent,
        outcome.answered_at or now,
        observed_revision=outcome.applied.revision,
        refused=[[one.kind.value, one.value, "refused_by_pbx"] for one in bad],
    )
    if intent.fault is not None:
        row = poisoned(intent, now, row)
        return replace(row, revision=max(intent.revision, outcome.applied.revision))
    today = day_of(now)
    before = row.changes_count if row.changes_day == today else 0
    return replace(
        row,
        revision=max(intent.revision, outcome.applied.revision),
        last_error=outcome.refused[0][1][:WORDS] if outcome.refused else None,
        changes_day=today,
        changes_count=before + (1 if intent.starts else 0),
    )


def _failed(intent: Intent, error: TelephonyError, now: datetime, *, unsent: bool) -> Settlement:
    claim = intent.claim
    failures = claim.failures + 1
    row = replace(unchanged(intent), failures=failures, last_error=str(error)[:WORDS])
    if isinstance(error, StaleRevision | VerifyMismatch):
        # The exchange told what it holds: the next try starts above that, and knows.
        wait = (
            timedelta(0)
            if isinstance(error, StaleRevision) and failures == 1
            else retrying.after_silence(failures, error.retry_after)
        )
        return replace(
            row,
            due_at=now + wait,
            settled=claim.generation,
            revision=max(intent.revision, error.held.revision),
            observed=pairs(error.held.destinations),
            observed_revision=error.held.revision,
            observed_at=now,
        )
    if isinstance(error, Temporary) or not error.permanent:
        # It may have landed: `settled` stays behind, so that the next claim reads before it writes.
        return replace(
            row,
            settled=row.settled if unsent else claim.generation - 1,
            due_at=now + retrying.after_silence(failures, error.retry_after),
        )
    held = intent.observed if intent.observed is not None else set_of(claim.desired)
    ends = bool(held - intent.target or claim.plan)
    wait_refused = retrying.after_refusal(failures, ends=ends)
    due_at = now + wait_refused if wait_refused is not None else intent.next_at
    if intent.next_at is not None and due_at is not None:
        due_at = min(due_at, intent.next_at)
    return replace(row, due_at=due_at, settled=claim.generation, refused=intent.refused)


def write_down(
    session: Session,
    now: datetime,
    report: BatchReport,
    outcomes: Iterable[Outcome] = (),
    still: Iterable[Intent] = (),
    poison: Iterable[Intent] = (),
) -> BatchReport:
    """Record a batch: what was sent, what needed nothing, what could not be worked out.

    Nothing is recorded of a line that was overtaken. Where its write may have reached the exchange
    all the same, it is marked to be read and mended. `report` counts only what was recorded.
    """
    told = BatchReport()
    rows: list[Settlement] = []
    sent: list[tuple[Outcome, Settlement]] = []
    notes: list[tuple[Intent, Settlement, str]] = []
    planned: list[Intent] = []
    for intent in still:
        rows.append(quiet(intent, now))
        told.nothing += 1
        if intent.claim.plan is not None and pairs(intent.ours) != intent.claim.desired:
            planned.append(intent)
    for intent in poison:
        row = poisoned(intent, now)
        rows.append(row)
        told.failed += 1
        if row.failures == retrying.POISON_TRIES:
            notes.append((intent, row, "quarantined"))
    for outcome in outcomes:
        if outcome.held_back is not None:
            rows.append(held_back(outcome.intent, now, outcome.held_back))
            told.held_back += 1
            continue
        if outcome.quiet:
            rows.append(quiet(outcome.intent, now))
            told.nothing += 1
            continue
        row = answered(outcome, now)
        rows.append(row)
        sent.append((outcome, row))
        if row.failures == retrying.POISON_TRIES and row.quarantined_at is not None:
            notes.append((outcome.intent, row, "quarantined"))
        elif row.last_error is None or outcome.intent.claim.last_error is not None:
            continue
        elif outcome.intent.fault is None:
            notes.append((outcome.intent, row, _alarm(outcome)))
    ours = settle(session, rows)
    told.overtaken += len(rows) - len(ours)
    doubt(session, {row.link_id for one, row in sent if _left_behind(one)} - ours, now)
    add_ledger(session, [entry(one, row, row.link_id in ours) for one, row in sent])
    add_ledger(session, [by_plan(one) for one in planned if one.claim.link_id in ours])
    for one, row in sent:
        done = one.applied is not None and row.link_id in ours
        told.done += 1 if done else 0
        told.failed += 0 if one.applied is not None else 1
    session.add_all(
        _activity(intent, row, what, now) for intent, row, what in notes if row.link_id in ours
    )
    report.add(told)
    return report


def _left_behind(outcome: Outcome) -> bool:
    """Whether the exchange may hold what was sent, although nobody records it."""
    if outcome.error is None:
        return True
    if isinstance(outcome.error, StaleRevision):
        return False
    return not outcome.unsent and not outcome.error.permanent


def _alarm(outcome: Outcome) -> str:
    if isinstance(outcome.error, Temporary):
        return "exchange_silent"
    if isinstance(outcome.error, StaleRevision | VerifyMismatch):
        return "exchange_differs"
    return "refused"


def _activity(intent: Intent, row: Settlement, what: str, now: datetime) -> Activity:
    return Activity(
        link_id=row.link_id,
        tenant_id=intent.claim.tenant_id,
        at=now,
        what=what,
        actor="system",
        detail={"error": row.last_error or ""},
    )
