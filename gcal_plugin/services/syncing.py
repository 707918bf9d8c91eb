"""Changes at Google -> stored windows, many calendars at a time.

One statement claims a batch, a few threads ask Google, one transaction stores it all. No
transaction is open while Google is asked (`sync_round`), and while one batch is asked for, the one
before it is stored: waiting for Google and waiting for the database's disk cost the time of one.
Calendars whose access token is known go first, so that none of them waits for the token endpoint.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from datetime import datetime
from uuid import UUID

from ..store import queries_calendar
from .grant_tokens import EARLY
from .refreshing import Hopes
from .runtime import Runtime
from .sync_report import SyncReport
from .sync_round import Round
from .sync_threads import close

__all__ = [
    "close",
    "due_calendars",
    "sync_calendars",
    "sync_due",
]

_ALONG = 200
"""How many calendars that are due one wake-up takes along."""
BATCH = 200
"""Calendars of one transaction."""
_COLD_BATCH = 48
"""How many calendars without a token go together: three refreshes for each thread, so that a
change which is announced meanwhile waits for no more than those."""


def due_calendars(rt: Runtime, limit: int = 1000) -> dict[UUID, datetime]:
    """Calendars that want a fetch now, the tenants in turn, and since when each does."""
    with rt.store.begin() as session:
        ids = queries_calendar.due(session, rt.store.now(session), limit)
        known = queries_calendar.since(session, ids) if ids else {}
    return {one: known[one] for one in ids if one in known}


def sync_calendars(
    rt: Runtime, calendar_ids: Collection[UUID], *, urgent: bool = False
) -> SyncReport:
    """Fetch and store what changed in these calendars.

    `urgent`: a person waits, so the kept part of the quota may be used. A calendar that fails
    keeps what is stored, and comes again later.
    """
    return _in_batches(rt, set(calendar_ids), urgent=urgent, due_only=False)


def sync_due(
    rt: Runtime, calendar_ids: Collection[UUID] = (), *, urgent: bool = False
) -> SyncReport:
    """What a wake-up does: fetch those of the calendars that are still due, and others that are.

    One look takes along whatever else is due by then, so that a burst of wake-ups costs a few
    rounds, and a wake-up that comes too late costs a glance.
    """
    report = SyncReport()
    if urgent:
        # A person waits: theirs go first, alone.
        report.add(_in_batches(rt, set(calendar_ids), urgent=True, due_only=True))
    with rt.store.begin() as session:
        others = queries_calendar.due(session, rt.store.now(session), _ALONG)
    rest = {*calendar_ids, *others} - report.synced
    report.add(_in_batches(rt, rest, urgent=False, due_only=True))
    return report


def _in_batches(
    rt: Runtime, calendar_ids: set[UUID], *, urgent: bool, due_only: bool
) -> SyncReport:
    """One batch is finished while the next is asked for.

    Whatever becomes of one, the batch that is on its way is finished too: what was fetched is
    not lost, and its calendars need not wait until their lease is over.
    """
    report = SyncReport()

    def finish(one: Round) -> None:
        report.add(one.finish())

    hopes = Hopes()
    with ExitStack() as before:
        for part in _parts(rt, calendar_ids, due_only=due_only):
            one = Round(rt, hopes, urgent=urgent, due_only=due_only)
            one.claim(part)
            if one.wants_tokens:
                before.close()  # a token endpoint that is slow holds up nobody else's changes
            one.ask()
            ready = before.pop_all()
            before.callback(finish, one)
            ready.close()
    return report


def _parts(rt: Runtime, calendar_ids: set[UUID], *, due_only: bool) -> Iterator[list[UUID]]:
    """The batches, in the order in which they go.

    First those with a token; then, with refreshes of their own to wait for, those that changed;
    then the others, a few at a time, each time after what changed in the meantime.
    """
    known, changed, rest = _sorted_out(rt, calendar_ids)
    yield from _cut(known, BATCH)
    yield from _cut(changed, BATCH)
    for part in _cut(rest, _COLD_BATCH):
        if due_only:
            with rt.store.begin() as session:
                newer = set(queries_calendar.changed(session, rt.store.now(session), _ALONG))
            for some in _sorted_out(rt, newer):
                yield from _cut(some, BATCH)
        yield part


def _sorted_out(rt: Runtime, calendar_ids: set[UUID]) -> tuple[set[UUID], set[UUID], set[UUID]]:
    """Calendars with a token, and those without: the ones that changed, and the others."""
    if len(calendar_ids) < 2:
        return calendar_ids, set(), set()
    with rt.store.begin() as session:
        soon = rt.store.now(session) + EARLY
        cold = queries_calendar.without_token(session, calendar_ids, soon)
    changed = {one for one, dirty in cold.items() if dirty}
    return calendar_ids - cold.keys(), changed, cold.keys() - changed


def _cut(calendar_ids: set[UUID], most: int) -> Iterator[list[UUID]]:
    ids = sorted(calendar_ids)
    return (ids[first : first + most] for first in range(0, len(ids), most))
