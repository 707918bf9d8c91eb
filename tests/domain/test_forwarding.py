"""Windows and an instant -> who rings, until when, and what to change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gcal_plugin.domain.destination import Destination, Kind
from gcal_plugin.domain.forwarding import (
    Change,
    Desired,
    Segment,
    change,
    desired_at,
    next_change,
    next_edge,
    segments,
)
from gcal_plugin.domain.reasons import Reason
from gcal_plugin.domain.schedule import Window

DAY = datetime(2027, 3, 1, tzinfo=UTC)
JAN = Destination(Kind.NUMBER, "+31612345678")
PIET = Destination(Kind.NUMBER, "+31687654321")
DESK = Destination(Kind.EXTENSION, "333")
OWN = Destination(Kind.EXTENSION, "200")


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def window(
    start: float, end: float, who: Destination = JAN, *, event: str = "", allowed: bool = True
) -> Window:
    return Window(
        event_id=event or f"{who}@{start}",
        start=at(start),
        end=at(end),
        kind=who.kind,
        value=who.value,
        allowed=allowed,
        reason=None if allowed else Reason.DECLINED,
    )


def test_a_window_holds_at_its_start_and_no_longer_at_its_end():
    windows = [window(9, 17)]
    tick = timedelta(microseconds=1)
    assert desired_at(windows, at(9) - tick).destinations == ()
    assert desired_at(windows, at(9)).destinations == (JAN,)
    assert desired_at(windows, at(17) - tick).destinations == (JAN,)
    assert desired_at(windows, at(17)).destinations == ()


def test_what_is_not_allowed_does_not_ring_and_makes_no_edge():
    windows = [window(9, 17, allowed=False)]
    assert desired_at(windows, at(10)) == Desired()
    assert next_edge(windows, at(0)) is None


def test_empty_and_reversed_windows_ring_nobody():
    windows = [window(9, 9), window(12, 11)]
    assert desired_at(windows, at(9)) == Desired()
    assert next_edge(windows, at(0)) is None
    assert segments(windows, at(0), at(24)) == []


def test_several_ring_at_once_the_earliest_start_first_each_once():
    windows = [
        window(10, 12, PIET, event="b"),
        window(9, 17, JAN, event="a"),
        window(11, 12, JAN, event="c"),
    ]
    desired = desired_at(windows, at(11.5))
    assert desired.destinations == (JAN, PIET)
    assert desired.causes == {JAN: ("a", "c"), PIET: ("b",)}
    assert desired.until == at(12)
    assert desired.dropped == ()


def test_equal_starts_have_one_order():
    one, two = window(9, 10, JAN), window(9, 10, DESK)
    assert desired_at([one, two], at(9)).destinations == (DESK, JAN)
    assert desired_at([two, one], at(9)).destinations == (DESK, JAN)


def test_over_the_maximum_the_earliest_start_wins_and_the_others_are_told():
    windows = [window(11, 12, DESK), window(9, 12, JAN), window(10, 12, PIET)]
    desired = desired_at(windows, at(11), max_destinations=1)
    assert desired.destinations == (JAN,)
    assert desired.dropped == ((PIET, Reason.TOO_MANY), (DESK, Reason.TOO_MANY))
    assert desired_at(windows, at(11), max_destinations=3).dropped == ()


def test_one_that_was_dropped_takes_over_when_there_is_room():
    windows = [window(9, 12, JAN), window(10, 13, PIET)]
    assert next_change(windows, at(9), max_destinations=1) == at(12)
    assert segments(windows, at(0), at(24), max_destinations=1) == [
        Segment(at(9), at(12), (JAN,)),
        Segment(at(12), at(13), (PIET,)),
    ]


def test_the_own_extension_alone_is_nothing_and_beside_others_rings_too():
    windows = [window(9, 17, OWN), window(10, 11, JAN)]
    assert desired_at(windows, at(9), own_extension="200").destinations == ()
    assert desired_at(windows, at(9)).destinations == (OWN,)
    assert desired_at(windows, at(10), own_extension="200").destinations == (OWN, JAN)
    assert desired_at(windows, at(9), own_extension="200").until == at(10)
    assert segments(windows, at(0), at(24), own_extension="200") == [
        Segment(at(10), at(11), (OWN, JAN))
    ]


def test_a_number_with_the_own_extensions_digits_is_not_the_own_extension():
    odd = Destination(Kind.NUMBER, "+3120")
    assert desired_at([window(9, 17, odd)], at(9), own_extension="+3120").destinations == (odd,)


def test_adjoining_and_overlapping_windows_to_one_number_are_one_stretch():
    windows = [window(9, 12), window(12, 15), window(14, 17)]
    assert desired_at(windows, at(9)).until == at(17)
    assert next_change(windows, at(9)) == at(17)
    assert next_edge(windows, at(9)) == at(12)
    assert segments(windows, at(0), at(24)) == [Segment(at(9), at(17), (JAN,))]


def test_a_gap_of_one_microsecond_is_a_gap():
    windows = [window(9, 12), window(12, 15)]
    later = windows[1].start + timedelta(microseconds=1)
    apart = [windows[0], Window("x", later, at(15), JAN.kind, JAN.value, allowed=True)]
    assert [one.end for one in segments(apart, at(0), at(24))] == [at(12), at(15)]
    assert next_change(apart, at(9)) == at(12)


def test_a_handover_changes_the_set_and_leaves_no_gap():
    windows = [window(9, 12, JAN), window(12, 15, PIET)]
    assert next_change(windows, at(9)) == at(12)
    assert segments(windows, at(0), at(24)) == [
        Segment(at(9), at(12), (JAN,)),
        Segment(at(12), at(15), (PIET,)),
    ]


def test_changing_places_in_the_order_is_no_change():
    windows = [window(9, 11, JAN), window(10, 13, PIET), window(10.5, 13, JAN)]
    assert segments(windows, at(10), at(13)) == [Segment(at(10), at(13), (JAN, PIET))]
    assert next_change(windows, at(10)) == at(13)


def test_the_next_change_from_nothing_is_the_first_start_and_after_the_last_there_is_none():
    windows = [window(9, 12), window(14, 15)]
    assert next_change(windows, at(0)) == at(9)
    assert next_change(windows, at(12)) == at(14)
    assert next_change(windows, at(15)) is None
    assert next_change([], at(0)) is None
    assert next_change([window(9, 12, OWN)], at(0), own_extension="200") is None
    assert next_edge(windows, at(9)) == at(12)
    assert next_edge(windows, at(15)) is None


def test_a_plan_is_cut_to_its_bounds():
    windows = [window(9, 17), window(18, 19), window(1, 2)]
    assert segments(windows, at(10), at(12)) == [Segment(at(10), at(12), (JAN,))]
    assert segments(windows, at(17), at(18)) == []


@pytest.mark.parametrize(
    "desired, observed, add, remove",
    [
        ([JAN, PIET], [PIET, JAN], set(), set()),
        ([JAN], [], {JAN}, set()),
        ([], [JAN], set(), {JAN}),
        ([JAN, DESK], [JAN, PIET], {DESK}, {PIET}),
        (Desired(destinations=(JAN,)), [PIET], {JAN}, {PIET}),
    ],
)
def test_only_the_difference_is_changed(desired, observed, add, remove):
    found = change(desired, observed)
    assert found == Change(frozenset(add), frozenset(remove))
    assert found.nothing is (not add and not remove)
