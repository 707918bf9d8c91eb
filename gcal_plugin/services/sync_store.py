"""Writing down what calendars said: token, windows and due lines in one transaction, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from ..domain.schedule import FREE_BUSY_ROLES, UnknownZone, Window, in_zone
from ..settings import GcalSettings
from ..store import queries_calendar, queries_events
from ..store.bulk import Row
from ..store.queries_calendar import Followed
from ..store.queries_events import Key, Stored
from ..store.queries_switching import mark_due
from .sync_fetch import Fetched
from .sync_timing import keep_from, next_listing, next_sync, while_lost

_GOOGLE_NAMES_DAYS = 150
"""Google names the deleted instances of a series about six months ahead: rely on it up to here."""
_LOOKS_LIKE_A_SERIES = 3


@dataclass(slots=True)
class Outcome:
    """What came of storing a batch."""

    stored: set[UUID] = field(default_factory=set)
    changed: set[UUID] = field(default_factory=set)
    """Calendars in which a forward may have changed."""
    announced: set[UUID] = field(default_factory=set)
    """Calendars that changed again while they were fetched."""
    unreadable: set[UUID] = field(default_factory=set)
    overtaken: set[UUID] = field(default_factory=set)


@dataclass(slots=True)
class _Changes:
    out: list[int] = field(default_factory=list)
    new: list[tuple[UUID, Window]] = field(default_factory=list)
    touched: set[UUID] = field(default_factory=set)


def store(
    session: Session,
    settings: GcalSettings,
    batch: Sequence[Fetched],
    followers: dict[UUID, Followed],
    now: datetime,
) -> Outcome:
    """Record a batch of complete fetches. Overtaken ones leave no trace."""
    outcome = Outcome()
    ours = queries_calendar.record(
        session, [_calendar_row(settings, fetched, now) for fetched in batch]
    )
    outcome.stored = set(ours)
    outcome.announced = {calendar_id for calendar_id, dirty in ours.items() if dirty}
    overtaken = [fetched.claim for fetched in batch if fetched.claim.id not in ours]
    queries_calendar.release(session, overtaken)
    outcome.overtaken = {claim.id for claim in overtaken}
    outcome.unreadable = {
        fetched.claim.id for fetched in batch if fetched.claim.id in ours and not _readable(fetched)
    }
    kept = [fetched for fetched in batch if fetched.claim.id in ours and _readable(fetched)]
    changes = _Changes()
    _compare_deltas(session, [one for one in kept if not one.full], changes)
    _compare_listings(session, [one for one in kept if one.full], keep_from(now), changes)
    _move_zones(session, kept, keep_from(now), changes)
    queries_events.replace(session, changes.out, now)
    queries_events.add(session, changes.new, now)
    if settings.horizon_days > _GOOGLE_NAMES_DAYS:
        _doubt_series(session, kept, now)
    outcome.changed = changes.touched
    due = changes.touched | {one.claim.id for one in kept if _was_stale(settings, one, now)}
    links = sorted(
        link_id
        for calendar_id in due
        if calendar_id in followers
        for link_id in followers[calendar_id].link_ids
    )
    if links:
        mark_due(session, links, now)
    return outcome


def _readable(fetched: Fetched) -> bool:
    return fetched.access_role not in FREE_BUSY_ROLES


def _was_stale(settings: GcalSettings, fetched: Fetched, now: datetime) -> bool:
    """Whether the link's choice for stale calendars may be in force until now."""
    synced_at = fetched.claim.synced_at
    if synced_at is None:
        return True
    return now - synced_at >= timedelta(seconds=settings.stale_after_seconds)


def _calendar_row(settings: GcalSettings, fetched: Fetched, now: datetime) -> Row:
    """How far the calendar has been read. Without readable titles nothing of it counts as read."""
    claim, readable = fetched.claim, _readable(fetched)
    return {
        "id": claim.id,
        "generation": claim.generation,
        "lease_until": None,
        "sync_token": fetched.sync_token if readable else None,
        "synced_at": now if readable else claim.synced_at,
        # No notification tells of a right that was given back: look.
        "next_sync_at": next_sync(settings, now, pushed=claim.push_state == "open")
        if readable
        else while_lost(now),
        "relist_at": next_listing(settings, now) if fetched.full else claim.relist_at,
        "listed_until": fetched.until if fetched.full else claim.listed_until,
        "time_zone": fetched.time_zone,
        "access_role": fetched.access_role,
        "failures": 0,
        "last_error": None,
        "gone_at": None,
    }


def _apply(
    fetched: Fetched, current: Sequence[Stored], changes: _Changes, *, all_gone: bool
) -> None:
    """Compare stored rows with what was said. `all_gone`: a row that was not named is over."""
    calendar_id = fetched.claim.id
    said = dict(fetched.windows)
    for row in current:
        window = said.get(row.event_id)
        if window is None:
            if all_gone or row.event_id in fetched.gone:
                _drop(row, changes)
        elif queries_events.facts_of(window) == row.facts:
            del said[row.event_id]
        else:
            _drop(row, changes)
    for window in said.values():
        changes.new.append((calendar_id, window))
        if window.value is not None:
            changes.touched.add(calendar_id)


def _drop(row: Stored, changes: _Changes) -> None:
    changes.out.append(row.id)
    if row.matters:
        changes.touched.add(row.calendar_id)


def _grouped(rows: Sequence[Stored]) -> dict[UUID, list[Stored]]:
    found: dict[UUID, list[Stored]] = {}
    for row in rows:
        found.setdefault(row.calendar_id, []).append(row)
    return found


def _compare_deltas(session: Session, batch: Sequence[Fetched], changes: _Changes) -> None:
    keys: set[Key] = set()
    for fetched in batch:
        keys |= {(fetched.claim.id, event_id) for event_id in (*fetched.windows, *fetched.gone)}
    current = _grouped(queries_events.by_key(session, keys))
    for fetched in batch:
        _apply(fetched, current.get(fetched.claim.id, []), changes, all_gone=False)
    _drop_by_series(session, batch, current, changes)


def _drop_by_series(
    session: Session,
    batch: Sequence[Fetched],
    current: dict[UUID, list[Stored]],
    changes: _Changes,
) -> None:
    """Cancelled events that are not stored by their own id: a whole series, or an instance
    of which only series and original start are told."""
    whole: set[Key] = set()
    starts: set[tuple[UUID, str, datetime]] = set()
    for fetched in batch:
        calendar_id = fetched.claim.id
        stored = {row.event_id for row in current.get(calendar_id, ())}
        for gone in fetched.gone.values():
            if not gone.cancelled or gone.event_id in stored:
                continue
            if gone.series_id is None:
                whole.add((calendar_id, gone.event_id))
            elif gone.original_start is not None:
                starts.add((calendar_id, gone.series_id, gone.original_start))
    wanted = whole | {(calendar_id, series_id) for calendar_id, series_id, _ in starts}
    said = {(one.claim.id, event_id) for one in batch for event_id in one.windows}
    dropped = set(changes.out)
    for row in queries_events.of_series(session, wanted):
        if row.series_id is None or row.id in dropped or (row.calendar_id, row.event_id) in said:
            continue
        start = row.original_start
        instance = start is not None and (row.calendar_id, row.series_id, start) in starts
        if instance or (row.calendar_id, row.series_id) in whole:
            _drop(row, changes)


def _compare_listings(
    session: Session, batch: Sequence[Fetched], moment: datetime, changes: _Changes
) -> None:
    """A full listing is the whole truth from `moment` on: what it does not name is over."""
    current = queries_events.since(session, {one.claim.id for one in batch}, moment)
    found = {(row.calendar_id, row.event_id) for row in current}
    moved = {
        (fetched.claim.id, event_id)
        for fetched in batch
        for event_id in fetched.windows
        if (fetched.claim.id, event_id) not in found
    }
    # An event that was over, and now comes again, still has its old row.
    rows = _grouped([*current, *queries_events.by_key(session, moved)])
    for fetched in batch:
        _apply(fetched, rows.get(fetched.claim.id, []), changes, all_gone=True)


def _move_zones(
    session: Session, batch: Sequence[Fetched], moment: datetime, changes: _Changes
) -> None:
    """A calendar that moved to another zone moves its whole days, though Google names none."""
    moved = {
        one.claim.id: one for one in batch if not one.full and one.time_zone != one.claim.time_zone
    }
    for row in queries_events.since(session, set(moved), moment):
        fetched = moved[row.calendar_id]
        if row.event_id in fetched.windows or row.id in changes.out:
            continue
        old = queries_events.window_of(row)
        try:
            new = in_zone(old, fetched.time_zone)
        except UnknownZone:
            continue
        if new != old:
            _drop(row, changes)
            changes.new.append((row.calendar_id, new))


def _doubt_series(session: Session, batch: Sequence[Fetched], now: datetime) -> None:
    """Where a series seems deleted and rows of it remain further ahead, list the window anew."""
    suspects: set[Key] = set()
    for fetched in batch:
        counted = Counter(
            gone.series_id for gone in fetched.gone.values() if gone.cancelled and gone.series_id
        )
        suspects |= {
            (fetched.claim.id, series_id)
            for series_id, count in counted.items()
            if count >= _LOOKS_LIKE_A_SERIES
        }
    remaining = {row.calendar_id for row in queries_events.of_series(session, suspects)}
    if remaining:
        queries_calendar.list_soon(session, remaining, now)
