"""One batch of lines from claim to record, in steps that a worker can take at different times.

`prepare` claims, works out and arms; `look_again` drops lines that were overtaken meanwhile;
`fire` sends at the instant; `finish` records. No transaction is open while an exchange is asked.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import get_ident
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from ...store.queries_switching import Claim, claim, renew, still_ours
from ...store.queries_unserved import put_off
from ..runtime import Runtime
from .breaker import breaker_of
from .compute import choose_steps, compute, faults
from .limits import tell_limits
from .loops import without_loops
from .model import BatchReport, Intent, Outcome, Step
from .push import Volley
from .record import write_down
from .refused import after_writing
from .timing import EdgeClock

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=15)
"""How long a claim holds beyond its instant; a worker that died is replaced after this."""
LAST_SEND = timedelta(seconds=6)
"""Before the lease ends by so much, nothing is sent any more: an answer must come within it."""
LOOK_BEFORE = timedelta(seconds=0.6)
"""How long before its instant an armed batch looks once more whether its lines are its own."""
LOOK_HOLDS = timedelta(seconds=1.5)
"""How long that look is good for: a batch that waited longer for its turn looks again. One that
goes out at its instant asks the database nothing in between."""
UNKNOWN = timedelta(seconds=30)
"""How long lines of an exchange that is not configured are left to whoever may know it, and then
alone: back in the settings, it has its lines right within as long."""


@dataclass(slots=True)
class Armed:
    """A batch that is ready to be sent at `at`."""

    pbx: str
    at: datetime
    clock: EdgeClock
    volley: Volley
    deadline: datetime
    report: BatchReport
    looked_at: datetime | None = None
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def seconds_left(self) -> float:
        """Seconds until it must go out; negative when it is late."""
        return self.clock.seconds_until(self.at)

    @property
    def claims(self) -> dict[UUID, int]:
        """Link id -> generation of the claims behind it."""
        return {one.claim.link_id: one.claim.generation for one in self.volley.intents}

    @property
    def look_is_old(self) -> bool:
        """Whether too much may have changed since the last look."""
        return self.looked_at is None or self.clock.now() - self.looked_at > LOOK_HOLDS

    def keep(self, ours: set[UUID]) -> None:
        """Drop the lines that are no longer ours."""
        lost = {id(one) for one in self.volley.intents if one.claim.link_id not in ours}
        if lost:
            self.volley = self.volley.without(lost)
            self.report.overtaken += len(lost)


@dataclass(slots=True)
class Ready:
    """What `prepare` made of a batch: writes to send, per exchange, and what is done already."""

    armed: list[Armed]
    report: BatchReport


def prepare(
    rt: Runtime, pbx: str, link_ids: Sequence[UUID], due_at: datetime | None = None
) -> Ready:
    """Claim the lines, work out what they should hold at `due_at` (or now), make the writes ready.

    `pbx` may be empty for lines of several exchanges. No exchange is asked anything here, so that
    one that does not answer cannot hold up the next batch.
    """
    clock, report = EdgeClock(), BatchReport()
    if pbx and pbx not in rt.telephony:
        _without_exchange(rt, link_ids)
        return Ready([], report)
    with rt.store.begin() as session:
        now = clock.look(rt, session)
        at = max(now, due_at) if due_at is not None else now
        claims = claim(
            session,
            link_ids,
            pbxs=[pbx] if pbx else list(rt.telephony),
            until=at,
            now=now,
            lease_until=at + LEASE,
            by=_who(),
        )
    report.claimed = len(claims)
    if not pbx and len(claims) < len(link_ids):
        claimed = {one.link_id for one in claims}
        _without_exchange(rt, [one for one in link_ids if one not in claimed])
    if not claims:
        return Ready([], report)
    intents = _work_out(rt, claims, at)
    still = [one for one in intents if one.fault is None and one.step is Step.NOTHING]
    poison = faults(intents)
    with rt.store.begin() as session:
        now = clock.look(rt, session)
        if still or poison:
            write_down(session, now, report, still=still, poison=poison)
    deadline = at + LEASE - LAST_SEND
    writes = _by_exchange(one for one in intents if one.step is not Step.NOTHING)
    armed = [
        Armed(name, at, clock, Volley.arm(rt.telephony[name], lines), deadline, BatchReport())
        for name, lines in writes.items()
    ]
    return Ready(armed, report)


def _work_out(rt: Runtime, claims: Sequence[Claim], at: datetime) -> list[Intent]:
    with rt.store.begin() as session:
        board, intents = compute(rt, session, claims, at)
    for name, lines in _by_exchange(intents).items():
        if rt.telephony[name].capabilities.chains_forwards:
            with rt.store.begin() as session:
                without_loops(rt, session, board, lines)
    choose_steps(rt, board, intents)
    tell_limits(rt, board, intents)
    return intents


def _by_exchange(intents: Iterable[Intent]) -> dict[str, list[Intent]]:
    found: dict[str, list[Intent]] = {}
    for intent in intents:
        found.setdefault(intent.claim.pbx, []).append(intent)
    return found


def look_again(rt: Runtime, armed: Armed) -> None:
    """Drop the lines that something newer took over since they were claimed."""
    with rt.store.begin() as session:
        armed.clock.look(rt, session)
        ours = still_ours(session, armed.claims)
    armed.keep(ours)
    armed.looked_at = armed.clock.now()


def hold_on(rt: Runtime, armed: Armed) -> None:
    """Before sending, where the batch waited for its turn: drop what was taken over meanwhile, and
    take the leases anew where they may end.

    A machine that cannot keep up gets through its queue that way, instead of claiming, working out
    and arming everything once more.
    """
    if armed.clock.now() < armed.deadline:
        if armed.look_is_old:
            look_again(rt, armed)
        return
    with rt.store.begin() as session:
        armed.clock.look(rt, session)
        now = armed.clock.now()
        ours = renew(session, armed.claims, now + LEASE)
    armed.keep(ours)
    armed.looked_at, armed.deadline = now, now + LEASE - LAST_SEND


def fire(rt: Runtime, armed: Armed) -> None:
    """Send. A line whose next edge passed while we waited goes back to be worked out again."""
    now = armed.clock.now()
    passed = [one for one in armed.volley.intents if one.next_at is not None and one.next_at <= now]
    if passed:
        armed.volley = armed.volley.without({id(one) for one in passed})
    armed.outcomes = [Outcome(one, held_back=0.0) for one in passed]
    armed.outcomes += armed.volley.fire(breaker_of(rt, armed.pbx), armed.clock.now, armed.deadline)


def finish(rt: Runtime, armed: Armed) -> BatchReport:
    """Record what came back, for the lines that are still ours."""

    def record(session: Session) -> BatchReport:
        return write_down(session, armed.clock.look(rt, session), armed.report, armed.outcomes)

    report = rt.store.resolutely(record)
    after_writing(rt, armed.pbx, armed.outcomes)
    return report


def switch_batch(
    rt: Runtime, pbx: str, link_ids: Sequence[UUID], due_at: datetime | None = None
) -> BatchReport:
    """All steps in one go, waiting for `due_at` in between where it is still to come."""
    ready = prepare(rt, pbx, link_ids, due_at)
    for armed in ready.armed:
        rt.store.release()
        armed.clock.sleep_until(armed.at - LOOK_BEFORE)
        look_again(rt, armed)
        rt.store.release()
        armed.clock.sleep_until(armed.at)
        fire(rt, armed)
        ready.report.add(finish(rt, armed))
    return ready.report


def _without_exchange(rt: Runtime, link_ids: Sequence[UUID]) -> None:
    """Lines that may be on an exchange whose entry is not in this process's settings.

    While a deployment is under way another process may have it, and gone by mistake it comes back:
    so they are not claimed. Told on those that nobody else took meanwhile.
    """
    with rt.store.begin() as session:
        now = rt.store.now(session)
        untouched = put_off(session, link_ids, list(rt.telephony), now, UNKNOWN)
    for pbx, lines in untouched.items():
        log.error("exchange_not_configured", pbx=pbx, lines=lines)


def _who() -> str:
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{get_ident() % 100_000}"
