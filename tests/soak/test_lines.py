"""The soak's own judgement, by hand: what it would call early, lost or late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.oracle import Who
from tests.soak.lines import early, longest_wrong

BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)
LINE = ("bakkerij.example", "200")
JAN: Who = ("number", "+31612345678")


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def write(seconds: float, *values: str) -> dict:
    return {
        "at": after(seconds).isoformat(),
        "domain": LINE[0],
        "extension": LINE[1],
        "destinations": [{"kind": "number", "value": value} for value in values],
    }


SPANS = {LINE: [(after(10), after(20), JAN)]}


def test_a_line_that_switches_on_time_is_never_wrong():
    writes = [write(10, JAN[1]), write(20)]
    assert early(writes, SPANS) == []
    assert longest_wrong(writes, SPANS, BEGAN, after(60))[0] == 0


def test_what_is_late_lost_or_never_ended_is_measured():
    late = longest_wrong([write(13, JAN[1]), write(21)], SPANS, BEGAN, after(60))
    assert late == (3, LINE, after(10))
    lost = longest_wrong([], SPANS, BEGAN, after(60))
    assert lost == (10, LINE, after(10))
    unended = longest_wrong([write(10, JAN[1])], SPANS, BEGAN, after(60))
    assert unended == (40, LINE, after(20))


def test_a_stale_write_that_lets_somebody_ring_again_is_seen():
    again = [write(10, JAN[1]), write(20), write(30, JAN[1]), write(37)]
    assert early(again, SPANS) == []
    assert longest_wrong(again, SPANS, BEGAN, after(60)) == (7, LINE, after(30))


def test_early_and_foreign_numbers_are_named():
    assert len(early([write(9, JAN[1])], SPANS)) == 1
    assert len(early([write(15, "+31687654321")], SPANS)) == 1
    assert longest_wrong([write(9, JAN[1]), write(20)], SPANS, BEGAN, after(60))[0] == 1
