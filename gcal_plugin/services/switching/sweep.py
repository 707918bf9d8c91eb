"""Reading a whole exchange back, and mending what differs: nobody has to notice first.

Who owns a line when somebody changes its forward by hand, on the phone or in the exchange:

- None of ours should be active: what stands there is theirs. It is kept, and it comes back after
  our next forward. Only a set that we asked for ourselves is cleared, while the switch after it was
  not read back yet: that is a write of ours that came too late.
- One of ours should be active: it is put back, once. When it is changed again soon, somebody means
  it: their change stands until the next edge, and the status page says so.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from ...ports import LineState, TelephonyError
from ...store import queries_sweep
from ...store.queries_sweep import Record
from ...store.queries_switching import chunks
from ..runtime import Runtime
from .looks import Looks, looks_of
from .model import Set, pairs, set_of
from .plans import planned
from .reading import Found, read_exchange
from .refused import after_reading

log = structlog.get_logger(__name__)

CALM = timedelta(minutes=10)
"""Putting ours back happens at most once in so long; a second change by hand within it stands."""
CLOCKS_APART = timedelta(seconds=2)
"""How far an exchange that keeps plans may be ahead of us or behind when we look at its edges."""
LEDGER_BACK = timedelta(minutes=15)


@dataclass(slots=True)
class SweepReport:
    """What one look over an exchange found, in numbers of lines."""

    read: int = 0
    same: int = 0
    repaired: int = 0
    left_alone: int = 0
    contested: int = 0
    unread: int = 0
    """Lines that could not be read, where lines are read one by one."""
    tried_again: int = 0
    """Lines that the exchange had refused and that are tried once more."""
    failed: str = ""


def sweep(rt: Runtime, pbx: str, *, again: bool = False) -> SweepReport:
    """Compare everything that an exchange holds with our records, and have differences mended.

    One look at a time per process. With `again` every line that the exchange refused is tried once
    more, as after it was mended; without, as soon as something shows that it was.
    """
    exchange = rt.telephony[pbx]
    report = SweepReport()
    if not exchange.capabilities.read_back or exchange.capabilities.mode == "pull":
        return report
    looks = looks_of(rt, pbx)
    with looks.alone() as alone:
        if not alone:
            report.failed = "another look at it is under way"
            return report
        began = time.monotonic()
        if began < looks.rests_until and not again:
            report.failed = "it rests, since its last list came to nothing for so long"
            return report
        if (found := _read(rt, pbx, report)) is None:
            looks.failed(time.monotonic() - began)
            return report
        turned = again or not looks.answered
        _compare(rt, pbx, found, looks, report)
        looks.came_back(len(found.records), found.lines)
        report.tried_again = len(after_reading(rt, pbx, turned=turned))
    return report


def _read(rt: Runtime, pbx: str, report: SweepReport) -> Found | None:
    with rt.store.begin() as session:
        asked = rt.store.now(session)
        known = queries_sweep.records(session, pbx)
        unverified = queries_sweep.unverified(session, pbx, since=asked - LEDGER_BACK, asked=asked)
    rt.store.release()
    try:
        found = read_exchange(rt, rt.telephony[pbx], known, asked, unverified)
    except TelephonyError as error:
        # A failed reading says nothing about any line.
        report.failed = str(error)
        return None
    report.read, report.unread = len(found.held), len(found.unread)
    return found


def _compare(rt: Runtime, pbx: str, found: Found, looks: Looks, report: SweepReport) -> None:
    """Take in what was found, and mark what differs from our records."""
    with rt.store.begin() as session:
        at = rt.store.now(session)
        differing = [one for one in found.records if not _same(one, found.of(one), found.asked, at)]
        wrong = {one.link_id for one in differing}
        same = {one.link_id for one in found.records} - wrong
        report.same = len(same)
        for one in differing:
            _mend(rt, session, one, found.of(one), at, report, restored=not looks.whole)
        for part in chunks(sorted(same)):
            queries_sweep.confirm(session, part, at)
        queries_sweep.read_back(session, found.verified(wrong), at)
    if report.repaired:
        log.warning("drift_found", pbx=pbx, lines=report.repaired)
        rt.wake.switch(pbx, [one.link_id for one in differing][: rt.settings.batch_size])


def _same(record: Record, held: LineState, asked: datetime, at: datetime) -> bool:
    """Whether the exchange holds what we recorded, at no higher revision than we know of."""
    if held.odd:
        # Not ours, and taken in already: read before we write, or left to stand for now.
        return record.observed is None or (not record.observed and record.contested_at is not None)
    if record.observed is None:
        return not held.destinations
    if held.revision > record.revision:
        return False
    return pairs(held.destinations) == record.observed or held.destinations in _by_plan(
        record, asked, at
    )


def _by_plan(record: Record, asked: datetime, at: datetime) -> list[Set]:
    """What the plan on the exchange made of the line while it was read.

    An edge is recorded as soon as it is worked out, some seconds ahead of its instant.
    """
    if record.plan is None:
        return []
    windows = planned(record.plan)
    instants = {asked - CLOCKS_APART, asked, at, at + CLOCKS_APART}
    instants |= {one.start for one in windows if asked <= one.start <= at}
    instants |= {one.end for one in windows if asked <= one.end <= at}
    return [
        frozenset(one.destination for one in windows if one.start <= instant < one.end)
        for instant in instants
    ]


def _mend(
    rt: Runtime,
    session: Session,
    record: Record,
    held: LineState,
    at: datetime,
    report: SweepReport,
    *,
    restored: bool,
) -> None:
    """Take in what the exchange holds, and decide whose it is."""
    found = pairs(held.destinations)
    ours, foreign = set_of(record.desired), set_of(record.foreign_set)
    target = ours or foreign
    changes: dict[str, object] = {}
    if held.destinations == target and not held.odd:
        # Right already, only our record was behind: a write that landed without a word.
        report.same += 1
    elif found and queries_sweep.was_ours(
        session, record, found, held.revision, at, rt.settings.history_days, restored=restored
    ):
        report.repaired += 1
        changes = _due(at)
    elif not ours:
        # Theirs: kept, so that it comes back after our next forward. What we cannot put back we
        # must not replace either: without a record the line is read before it is written.
        changes = {"foreign_set": found or None, **({"observed": None} if held.odd else {})}
        report.left_alone += 1
    elif record.reasserted_at is None or at - record.reasserted_at > CALM:
        report.repaired += 1
        changes = {**_due(at), "reasserted_at": at, "contested_at": None}
    else:
        report.contested += 1
        changes = {"contested_at": record.contested_at or at}
    changes = {"observed": found, **changes}
    if not queries_sweep.note_held(session, record, revision=held.revision, at=at, **changes):
        return
    if changes.get("contested_at") and record.contested_at is None:
        queries_sweep.tell(session, record, "changed_by_hand", at)
    elif "foreign_set" in changes and (found or held.odd):
        queries_sweep.tell(session, record, "foreign_forward", at)


def _due(at: datetime) -> dict[str, object]:
    return {"due_at": at, "due_cause": "repair", "asked_at": at}
