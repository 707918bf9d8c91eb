"""events.list: which rows a query has, in full or as a delta, one by one or as series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from . import view
from .model import Calendar, Json, StoredEvent
from .recurrence import SIX_MONTHS, Occurrence, event_span, instant_of, occurrences

_FOREVER = datetime(2099, 12, 31, tzinfo=UTC)
HORIZON = timedelta(days=730)  # how far an endless series is expanded when no timeMax ends it


@dataclass(frozen=True, slots=True)
class Query:
    """What one list request asks for; instants are aware UTC datetimes."""

    single: bool = False
    show_deleted: bool = False
    time_min: datetime | None = None
    time_max: datetime | None = None
    updated_min: datetime | None = None
    order_by: str = ""
    text: str = ""
    ical_uid: str = ""
    event_types: frozenset[str] = field(default_factory=frozenset)
    properties: tuple[tuple[str, str], ...] = ()
    since: int | None = None  # the delta after this change
    blow_up: bool = False  # expand endless series to the end of time, as Google may


@dataclass(frozen=True, slots=True)
class Row:
    """One item of the answer before it is dressed for its reader."""

    event: StoredEvent
    occurrence: Occurrence | None = None
    gone: str = ""

    def show(self, lens: view.Lens) -> Json:
        """The item as JSON."""
        if self.gone:
            return view.show_gone(self.event, self.gone)
        if self.occurrence:
            return view.show_instance(self.event, self.occurrence, lens)
        return view.show(self.event, lens)


def rows(calendar: Calendar, query: Query, now: datetime) -> list[Row]:
    """All rows of a query, in the order asked for."""
    zone = ZoneInfo(calendar.time_zone)
    if query.since is not None:
        return list(_delta(calendar, query, zone, now))
    found = [row for row in _full(calendar, query, zone, now) if _matches(row.event, query)]
    if query.order_by == "startTime":
        found.sort(key=lambda row: _start(row, zone))
    elif query.order_by == "updated":
        found.sort(key=lambda row: str(row.event.body.get("updated", "")))
    return found


def instances(calendar: Calendar, series: StoredEvent, query: Query, now: datetime) -> list[Row]:
    """The instances of one series, changed ones included, in order of start."""
    zone = ZoneInfo(calendar.time_zone)
    found = list(_instances(calendar, series, query, zone, now))
    for event_id in calendar.exceptions.get(series.id, ()):
        changed = calendar.events[event_id]
        if changed.cancelled and not query.show_deleted:
            continue
        if changed.cancelled or _within(*event_span(changed.body, zone), query, zone):
            found.append(Row(changed))
    return sorted(found, key=lambda row: _start(row, zone))


def _full(calendar: Calendar, query: Query, zone: ZoneInfo, now: datetime) -> Iterator[Row]:
    for event in calendar.events.values():
        series_id = event.body.get("recurringEventId")
        if event.cancelled:
            kept = query.show_deleted or query.updated_min
            if (kept and not (query.single and "recurrence" in event.body)) or (
                series_id and not query.single
            ):
                yield Row(event)
        elif "recurrence" in event.body:
            expanded = _instances(calendar, event, query, zone, now)
            if query.single:
                yield from expanded
            elif query.time_min is None or any(True for _ in expanded):
                yield Row(event)
        elif _within(*event_span(event.body, zone), query, zone):
            yield Row(event)


def _delta(calendar: Calendar, query: Query, zone: ZoneInfo, now: datetime) -> Iterator[Row]:
    assert query.since is not None
    touched: list[StoredEvent] = []
    for event in reversed(calendar.events.values()):
        if event.seq <= query.since:
            break
        touched.append(event)
    for event in reversed(touched):
        if query.event_types and event.body.get("eventType") not in query.event_types:
            continue
        if "recurrence" not in event.body or not query.single:
            yield Row(event)
        elif event.cancelled:
            yield from _deleted_instances(event, zone, now)
        else:
            yield from _touched_series(calendar, event, query, zone, now)


def _touched_series(
    calendar: Calendar, event: StoredEvent, query: Query, zone: ZoneInfo, now: datetime
) -> Iterator[Row]:
    """Every instance of a changed series, however far away, and those it no longer has."""
    assert query.since is not None
    yield from _instances(calendar, event, query, zone, now)
    for event_id in sorted(calendar.exceptions.get(event.id, ())):
        changed = calendar.events[event_id]
        if changed.seq <= query.since:  # the later ones are in the delta by themselves
            yield Row(changed)
    for key, seq in event.gone:
        if seq > query.since:
            yield Row(event, gone=key)


def _deleted_instances(event: StoredEvent, zone: ZoneInfo, now: datetime) -> Iterator[Row]:
    """Of a deleted series Google names the instances of about six months only."""
    for one in occurrences(event.body, zone, until=now + SIX_MONTHS):
        if instant_of(one.end, zone) > now - timedelta(days=1):
            yield Row(event, occurrence=one)


def _instances(
    calendar: Calendar, event: StoredEvent, query: Query, zone: ZoneInfo, now: datetime
) -> Iterator[Row]:
    until = query.time_max or (_FOREVER if query.blow_up else now + HORIZON)
    changed = calendar.exceptions.get(event.id, set())
    for one in occurrences(event.body, zone, until=until):
        if f"{event.id}_{one.key}" in changed:
            continue
        if _within(one.start, one.end, query, zone):
            yield Row(event, occurrence=one)


def _within(start: datetime | date, end: datetime | date, query: Query, zone: ZoneInfo) -> bool:
    """Whether a span meets the window: ends after timeMin and starts before timeMax."""
    if query.time_min is not None and instant_of(end, zone) <= query.time_min:
        return False
    return query.time_max is None or instant_of(start, zone) < query.time_max


def _start(row: Row, zone: ZoneInfo) -> datetime:
    if row.occurrence:
        return instant_of(row.occurrence.start, zone)
    if "start" not in row.event.body:
        return instant_of(view.original_start(row.event.id.rpartition("_")[2]), zone)
    return instant_of(event_span(row.event.body, zone)[0], zone)


def _matches(event: StoredEvent, query: Query) -> bool:
    body = event.body
    if query.ical_uid and body.get("iCalUID") != query.ical_uid:
        return False
    if query.event_types and body.get("eventType") not in query.event_types:
        return False
    if query.updated_min and body.get("updated", "") < query.updated_min.isoformat()[:19]:
        return False
    for kind, wanted in query.properties:
        name, _, value = wanted.partition("=")
        if body.get("extendedProperties", {}).get(kind, {}).get(name) != value:
            return False
    searched = " ".join(str(body.get(name, "")) for name in ("summary", "description", "location"))
    return not query.text or query.text.casefold() in searched.casefold()
