"""A year of many extensions in many zones: the plan and the independent oracle never differ.

The quick form takes 100 extensions, four in each of 25 zones; the full one 100 in each.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gcal_plugin.domain.forwarding import desired_at, next_change, segments
from gcal_plugin.domain.schedule import event_window, judge
from gcal_plugin.google.reading import read_event
from tests import calendars, oracle

FROM, UNTIL = datetime(2026, 12, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)
LIMITS = ((None, None), (None, "200"), (1, None), (2, "200"))
TICK = timedelta(seconds=1)


def mismatches(seed: int, zone: str) -> list[str]:
    """Compare one year of one extension at every edge, just before it, and at random instants."""
    items = calendars.year(seed, zone)
    most, own = LIMITS[seed % len(LIMITS)]
    limits: dict[str, Any] = {"max_destinations": most, "own_extension": own}
    windows = [
        judge(window)
        for item in items
        if (event := read_event(item, "owner")) is not None
        and (window := event_window(event, calendar_zone=zone)) is not None
    ]
    plan = segments(windows, FROM, UNTIL, **limits)
    starts = [part.start for part in plan]
    truth = oracle.spans(items, zone)
    edges = sorted({edge for start, end, _ in truth for edge in (start, end)})
    chance = random.Random(seed)
    sampled = {FROM + chance.random() * (UNTIL - FROM) for _ in range(20)}
    thorough = sampled | set(chance.sample(edges, k=min(10, len(edges))))
    wrong = []
    for instant in sorted({*edges, *(edge - TICK for edge in edges), *sampled}):
        expected = oracle.ringing(truth, instant, maximum=most, own=own)
        place = bisect_right(starts, instant) - 1
        held = plan[place].destinations if place >= 0 and instant < plan[place].end else ()
        planned = {(str(who.kind), who.value) for who in held}
        if planned != expected:
            wrong.append(f"{seed} {zone} {instant}: planned {planned}, expected {expected}")
        if instant in thorough:
            desired = desired_at(windows, instant, **limits)
            rings = {(str(who.kind), who.value) for who in desired.destinations}
            if rings != expected:
                wrong.append(f"{seed} {zone} {instant}: rings {rings}, expected {expected}")
            following = next_change(windows, instant, **limits)
            if following is not None and (
                oracle.ringing(truth, following, maximum=most, own=own) == expected
                or oracle.ringing(truth, following - TICK, maximum=most, own=own) != expected
            ):
                wrong.append(f"{seed} {zone} {instant}: {following} is no change")
    assert len(truth) > 50
    return wrong


@pytest.mark.parametrize("zone", calendars.ZONES)
def test_a_year_of_four_extensions_in_each_zone(zone):
    assert [line for seed in range(4) for line in mismatches(seed, zone)] == []


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("zone", calendars.ZONES)
def test_a_year_of_a_hundred_extensions_in_each_zone(zone):
    assert [line for seed in range(100) for line in mismatches(seed, zone)] == []


def test_the_oracle_sees_what_a_person_would():
    """The second opinion is checked by hand too, lest both be wrong together."""
    items = [
        {
            "summary": "06-12345678",
            "start": {"dateTime": "2027-03-01T09:00:00+01:00"},
            "end": {"dateTime": "2027-03-01T17:00:00+01:00"},
        },
        {"summary": "333", "start": {"date": "2027-03-01"}, "end": {"date": "2027-03-02"}},
        {
            "summary": "0687654321",
            "organizer": {"email": "boss@example.com"},
            "start": {"date": "2027-03-01"},
            "end": {"date": "2027-03-02"},
        },
    ]
    zone = "Europe/Amsterdam"
    nine = datetime(2027, 3, 1, 8, tzinfo=UTC)
    both = {("number", "+31612345678"), ("extension", "333")}
    assert oracle.rings(items, nine, zone=zone) == both
    assert oracle.rings(items, nine - TICK, zone=zone) == {("extension", "333")}
    assert oracle.rings(items, nine, zone=zone, maximum=1) == {("extension", "333")}
    assert oracle.rings(items, nine - TICK, zone=zone, own="333") == set()
    assert oracle.edges(items, zone=zone) == [
        datetime(2027, 2, 28, 23, tzinfo=UTC),
        nine,
        datetime(2027, 3, 1, 16, tzinfo=UTC),
        datetime(2027, 3, 1, 23, tzinfo=UTC),
    ]
