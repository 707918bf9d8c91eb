"""A whole year walked by the switching itself, edge by edge, on a simulated clock.

Every line has a calendar of a zone of its own, stored as fetches store it. The clock goes from due
instant to due instant: a line that forgot to be due again would miss everything after. What the
exchange took is compared with the oracle, at every edge and just before it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from gcal_plugin.domain.schedule import Window, event_window, judge
from gcal_plugin.google.reading import read_event
from gcal_plugin.ports import Line
from gcal_plugin.store import queries_events
from gcal_plugin.store.queries_switching import mark_due
from gcal_plugin.telephony.exchange import Write
from tests import calendars, oracle
from tests.oracle import Item, Who
from tests.support.exchanges import Exchange
from tests.support.lines import MONDAY, World

OWN = "200"
MOST = 10
FROM, UNTIL = datetime(2026, 12, 30, tzinfo=UTC), datetime(2028, 1, 3, tzinfo=UTC)
TICK = timedelta(seconds=1)
Span = tuple[datetime, datetime, Who]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_year_switched_in_two_zones(world: World, exchange: Exchange) -> None:
    assert walked(world, exchange, ("Europe/Amsterdam", "Australia/Lord_Howe"), 1) == []


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_year_switched_in_twenty_five_zones(world: World, exchange: Exchange) -> None:
    assert walked(world, exchange, calendars.ZONES, 1) == []


def walked(world: World, exchange: Exchange, zones: Sequence[str], lines: int) -> list[str]:
    """Walk the year with so many lines in each zone; answers where the exchange was wrong."""
    world.clock.at = FROM
    truth: dict[Line, list[Span]] = {}
    for place, zone in enumerate(zones):
        for seed in range(place, place + lines):
            domain = f"{zone.replace('/', '-').replace('_', '-').lower()}-{seed}.example"
            items = calendars.year(seed, zone)
            link = world.link(OWN, domain=domain, account_id="nobody")
            with world.rt.store.begin() as session:
                calendar = world.calendars[link]
                rows = [(calendar, window) for window in windows(items, zone)]
                queries_events.add(session, rows, FROM)
                mark_due(session, [link], FROM)
            truth[Line(domain, OWN)] = oracle.spans(items, zone)
    world.walk(UNTIL - MONDAY)
    writes = history(exchange)
    return [wrong for line, spans in truth.items() for wrong in compare(line, spans, writes[line])]


def windows(items: Sequence[Item], zone: str) -> list[Window]:
    """What of the events is stored."""
    return [
        judge(window)
        for item in items
        if (event := read_event(item, "owner")) is not None
        and (window := event_window(event, calendar_zone=zone)) is not None
    ]


def history(exchange: Exchange) -> dict[Line, list[Write]]:
    """What the exchange took, by line."""
    writes: dict[Line, list[Write]] = {}
    for write in exchange.exchange.history:
        writes.setdefault(write.line, []).append(write)
    return writes


def compare(line: Line, spans: Sequence[Span], writes: Sequence[Write]) -> list[str]:
    """Where a line held something else than it should."""
    edges = {edge for start, end, _ in spans for edge in (start, end) if FROM < edge < UNTIL}
    assert len(edges) > 50
    written = [write.at for write in writes]
    wrong = []
    for instant in sorted({*edges, *(edge - TICK for edge in edges)}):
        place = bisect_right(written, instant) - 1
        held = writes[place].held.ringing(instant) if place >= 0 else ()
        rang = {(one.kind.value, one.value) for one in held}
        expected = oracle.ringing(spans, instant, maximum=MOST, own=OWN)
        if rang != expected:
            wrong.append(f"{line} {instant}: rang {rang}, expected {expected}")
    return wrong
