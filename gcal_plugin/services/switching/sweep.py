"""Reading a whole exchange back, and mending what differs: nobody has to notice first.

Who owns a line when somebody changes its forward by hand, on the phone or in the exchange:

- None of ours should be active: what stands there is theirs. It is kept, and it comes back after
  our next forward. Only a set that we asked for ourselves is cleared, while the switch after it was
  not read back yet: that is a write of ours that came too late.
- One of ours should be active: it is put back, once. When it is changed again soon, somebody means
  it: their change stands until the next edge, and the status page says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from ...ports import Applied, Line, Telephony, TelephonyError, Temporary, Unsupported
from ...store import queries_sweep
from ...store.queries_sweep import Record
from ...store.queries_switching import chunks
from ..runtime import Runtime
from .breaker import breaker_of
from .model import NOTHING, pairs, set_of

log = structlog.get_logger(__name__)

CALM = timedelta(minutes=10)
"""Putting ours back happens at most once in so long; a second change by hand within it stands."""
ONE_BY_ONE = 200
"""Lines in one look over an exchange that cannot list what it holds; longest unread first."""
LEDGER_BACK = timedelta(minutes=15)


@dataclass(slots=True)
class SweepReport:
    """What one look over an exchange found, in numbers of lines."""

    read: int = 0
    same: int = 0
    repaired: int = 0
    left_alone: int = 0
    contested: int = 0
    failed: str = ""


def sweep(rt: Runtime, pbx: str) -> SweepReport:
    """Compare everything that an exchange holds with our records, and have differences mended."""
    exchange = rt.telephony[pbx]
    report = SweepReport()
    if not exchange.capabilities.read_back or exchange.capabilities.mode == "pull":
        return report
    with rt.store.begin() as session:
        asked = rt.store.now(session)
        known = queries_sweep.records(session, pbx)
    rt.store.release()
    found = _read_all(rt, exchange, known, report)
    if found is None:
        return report
    known, held = found
    known += _unexpected(rt, pbx, known, held)
    with rt.store.begin() as session:
        at = rt.store.now(session)
        differing = [one for one in known if not _same(one, held.get(_line(one)))]
        same = {one.link_id for one in known} - {one.link_id for one in differing}
        report.same = len(same)
        for one in differing:
            _mend(rt, session, one, held.get(_line(one), Applied(NOTHING, 0)), at, report)
        for part in chunks(sorted(same)):
            queries_sweep.confirm(session, part, at)
        queries_sweep.read_back(
            session,
            pbx,
            since=asked - LEDGER_BACK,
            asked=asked,
            at=at,
            differing=[one.link_id for one in differing],
        )
    if report.repaired:
        log.warning("drift_found", pbx=pbx, lines=report.repaired)
        rt.wake.switch(pbx, [one.link_id for one in differing][: rt.settings.batch_size])
    return report


def _read_all(
    rt: Runtime, exchange: Telephony, known: list[Record], report: SweepReport
) -> tuple[list[Record], dict[Line, Applied]] | None:
    """What the exchange holds, and for which of our records that was read; None where it failed."""
    breaker = breaker_of(rt, exchange.name)
    try:
        try:
            expected = {_line(one) for one in known}
            held = {
                state.line: Applied(state.destinations, state.revision)
                for state in exchange.read_all()
                if state.destinations or state.line in expected
            }
        except Unsupported:
            known = _least_lately_read(known)
            held = {_line(one): exchange.read(_line(one)) for one in known}
    except TelephonyError as error:
        # A failed reading says nothing about any line.
        report.failed = str(error)
        if isinstance(error, Temporary):
            breaker.silent()
        return None
    report.read = len(held)
    return known, held


def _unexpected(
    rt: Runtime, pbx: str, known: list[Record], held: Mapping[Line, Applied]
) -> list[Record]:
    """Records of the lines that hold something although, by what we know, they are empty."""
    expected = {_line(one) for one in known}
    lines = [
        line for line, applied in held.items() if applied.destinations and line not in expected
    ]
    with rt.store.begin() as session:
        return queries_sweep.records_of(session, pbx, lines)


def _least_lately_read(known: list[Record]) -> list[Record]:
    """The share of the lines for one look, where the exchange can only be asked line by line."""
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(known, key=lambda one: one.observed_at or never)[:ONE_BY_ONE]


def _line(record: Record) -> Line:
    return Line(record.domain, record.extension)


def _same(record: Record, held: Applied | None) -> bool:
    """Whether the exchange holds what we recorded, at no higher revision than we know of."""
    found = held or Applied(NOTHING, 0)
    if record.observed is None:
        return not found.destinations
    return pairs(found.destinations) == record.observed and found.revision <= record.revision


def _mend(
    rt: Runtime,
    session: Session,
    record: Record,
    held: Applied,
    at: datetime,
    report: SweepReport,
) -> None:
    """Take in what the exchange holds, and decide whose it is."""
    found = pairs(held.destinations)
    ours, foreign = set_of(record.desired), set_of(record.foreign_set)
    target = ours or foreign
    changes: dict[str, object] = {}
    if held.destinations == target:
        # Right already, only our record was behind: a write that landed without a word.
        report.same += 1
    elif found and queries_sweep.was_ours(
        session, record, found, held.revision, at, rt.settings.history_days
    ):
        report.repaired += 1
        changes = _due(at)
    elif not ours:
        # Theirs: kept, so that it comes back after our next forward.
        changes = {"foreign_set": found or None}
        report.left_alone += 1
    elif record.reasserted_at is None or at - record.reasserted_at > CALM:
        report.repaired += 1
        changes = {**_due(at), "reasserted_at": at, "contested_at": None}
    else:
        report.contested += 1
        changes = {"contested_at": record.contested_at or at}
    written = queries_sweep.note_held(
        session, record, held=found, revision=held.revision, at=at, **changes
    )
    if not written:
        return
    if changes.get("contested_at") and record.contested_at is None:
        queries_sweep.tell(session, record, "changed_by_hand", at)
    elif "foreign_set" in changes and found:
        queries_sweep.tell(session, record, "foreign_forward", at)


def _due(at: datetime) -> dict[str, object]:
    return {"due_at": at, "due_cause": "repair", "asked_at": at}
