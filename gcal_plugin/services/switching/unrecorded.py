"""Ends that run although nothing can be recorded: the database answers, but takes no writes.

A full disk must not keep a forward going after its event. What should have ended is worked out from
what can still be read and sent without a claim; nothing starts this way. The row stays as it is:
once there is room it is claimed like any overdue line, above the revision that was sent here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Lock
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ...ports import StaleRevision
from ...store.queries_overdue import Place, overdue_running
from ...store.queries_switching import Claim
from ..runtime import Runtime
from .breaker import breaker_of
from .compute import compute, keeps_plans
from .model import Intent, Set, Step, set_of
from .push import Volley
from .timing import EdgeClock

log = structlog.get_logger(__name__)

GRACE = timedelta(seconds=5)
"""How long after its instant an end is left to whoever may still record it."""
PATIENCE = timedelta(seconds=10)
"""After how long a round looks at no further lines; the next one goes on from there."""
SENDING = timedelta(seconds=10)
"""How long one look sends to one exchange."""
MOST = 500
"""Lines in one look."""
_REFUSED_SQLSTATES = {"53100", "25006"}
"""Postgres: disk full; a server that only reads."""
_REFUSED_SQLITE = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY")


def takes_no_writes(error: SQLAlchemyError) -> bool:
    """Whether a database refused because it cannot write, though it may still be read."""
    cause = getattr(error, "orig", None)
    if getattr(cause, "sqlstate", None) in _REFUSED_SQLSTATES:
        return True
    return str(getattr(cause, "sqlite_errorname", "")).startswith(_REFUSED_SQLITE)


@dataclass(frozen=True, slots=True)
class _Sent:
    generation: int
    revision: int
    held: Set


class Unrecorded:
    """One process's memory of what it sent and could not write down. Safe from several threads."""

    def __init__(self) -> None:
        self._sent: dict[UUID, _Sent] = {}
        self._seen: set[UUID] = set()
        """The lines looked at since the last look that began with the longest overdue."""
        self._after: Place | None = None
        self._lock = Lock()

    def end_overdue(self, rt: Runtime) -> int:
        """Send the ends that are overdue; answers how many lines were ended.

        Nothing is recorded, so the rows stay where they are: thousands are gone through look by
        look, and then from the start again.
        """
        with self._lock:
            clock = EdgeClock()
            ended, done = 0, False
            with rt.store.begin() as session:
                give_up = clock.look(rt, session) + PATIENCE
            while not done:
                more, through = self._look(rt, clock)
                ended += more
                done = through or clock.now() >= give_up
            return ended

    def _look(self, rt: Runtime, clock: EdgeClock) -> tuple[int, bool]:
        """End what is over among the next lines: how many, and whether those were the last."""
        with rt.store.begin() as session:
            now = clock.look(rt, session)
            rows = overdue_running(session, now - GRACE, now, MOST, self._after)
            through = len(rows) < MOST
            self._remember(rows, through)
            claims = [self._unclaimed(row) for row in rows if _writes_sets(rt, row.pbx)]
            _, intents = compute(rt, session, claims, now)
        rt.store.release()
        ending = [one for one in intents if self._ends(one)]
        ended = 0
        for pbx in sorted({one.claim.pbx for one in ending}):
            lines = [one for one in ending if one.claim.pbx == pbx]
            ended += self._send(rt, pbx, lines, clock)
        return ended, through

    def _remember(self, rows: Sequence[Claim], through: bool) -> None:
        """Move on, and forget of what was sent what has been recorded since."""
        for row in rows:
            self._seen.add(row.link_id)
            before = self._sent.get(row.link_id)
            if before is not None and before.generation != row.generation:
                del self._sent[row.link_id]
        if through:
            self._sent = {one: sent for one, sent in self._sent.items() if one in self._seen}
            self._seen, self._after = set(), None
        else:
            self._after = (rows[-1].due_at, rows[-1].link_id)

    def _unclaimed(self, row: Claim) -> Claim:
        """The row as a claim would see it, which cannot be made."""
        before = self._sent.get(row.link_id)
        known = max(row.revision, row.observed_revision or 0, before.revision if before else 0)
        return replace(row, generation=row.generation + 1, revision=known + 1)

    def _ends(self, intent: Intent) -> bool:
        """Leave of a line's set what may go on; whether that ends anything."""
        if intent.fault is not None and intent.step is Step.NOTHING:
            return False
        running = self._running(intent.claim)
        intent.ours = tuple(one for one in intent.ours if one in running)
        if frozenset(intent.ours) == running:
            return False
        intent.target = frozenset(intent.ours) or (intent.foreign or frozenset())
        intent.step = Step.WRITE
        return True

    def _send(self, rt: Runtime, pbx: str, lines: Sequence[Intent], clock: EdgeClock) -> int:
        volley = Volley.arm(rt.telephony[pbx], lines)
        outcomes = volley.fire(breaker_of(rt, pbx), clock.now, clock.now() + SENDING)
        done = 0
        for one in outcomes:
            intent, claim = one.intent, one.intent.claim
            if one.applied is not None or one.quiet:
                done += 1
                held, revision = frozenset(intent.ours), intent.revision
            elif isinstance(one.error, StaleRevision):
                # The next round starts above what the exchange holds.
                held, revision = self._running(claim), one.error.held.revision
            else:
                continue
            self._sent[claim.link_id] = _Sent(claim.generation - 1, revision, held)
        log.warning("ended_unrecorded", pbx=pbx, lines=done, failed=len(outcomes) - done)
        return done

    def _running(self, claim: Claim) -> Set:
        before = self._sent.get(claim.link_id)
        return before.held if before else set_of(claim.desired)


def _writes_sets(rt: Runtime, pbx: str) -> bool:
    """Exchanges that ask us, or that keep the windows themselves, need no write at an end."""
    exchange = rt.telephony.get(pbx)
    if exchange is None or exchange.capabilities.mode == "pull":
        return False
    return not keeps_plans(exchange)
