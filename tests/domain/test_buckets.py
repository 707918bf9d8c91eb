"""Histograms can be added up, and tell a quantile within a bucket of the truth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcal_plugin.domain import buckets

seconds = st.floats(0, 10_000, allow_nan=False)


def of(values: list[float]) -> buckets.Counts:
    counts = buckets.empty()
    for value in values:
        counts[buckets.place(value)] += 1
    return counts


def test_a_bound_belongs_to_its_own_bucket() -> None:
    assert buckets.place(buckets.BOUNDS[0]) == 0
    assert buckets.place(buckets.BOUNDS[-1]) == len(buckets.BOUNDS) - 1
    assert buckets.place(buckets.BOUNDS[-1] + 1) == len(buckets.BOUNDS)


@given(st.lists(seconds), st.lists(seconds))
def test_two_histograms_are_the_histogram_of_both(first: list[float], second: list[float]) -> None:
    assert buckets.added(of(first), of(second)) == of(first + second)


@given(st.lists(seconds))
def test_the_last_cumulative_count_is_their_number(values: list[float]) -> None:
    counted = buckets.cumulative(of(values))
    assert counted[-1] == len(values)
    assert counted == sorted(counted)


@given(st.lists(seconds, min_size=1), st.floats(0.01, 1))
def test_a_quantile_lies_in_the_bucket_of_the_truth(values: list[float], share: float) -> None:
    ordered = sorted(values)
    wanted = share * len(ordered)
    truth = next(one for place, one in enumerate(ordered, start=1) if place >= wanted)
    found = buckets.quantile(of(values), share)
    assert found is not None
    assert buckets.place(found) in (
        buckets.place(truth),
        min(buckets.place(truth), len(buckets.BOUNDS) - 1),
        buckets.place(truth) - 1,
    )


def test_of_nothing_there_is_no_quantile() -> None:
    assert buckets.quantile(buckets.empty(), 0.5) is None


def test_above_all_bounds_the_last_bound_is_told() -> None:
    assert buckets.quantile(of([5_000.0]), 0.99) == buckets.BOUNDS[-1]


def test_a_share_beyond_all_of_them_is_the_last_bound() -> None:
    assert buckets.quantile(of([0.5]), 1.1) == buckets.BOUNDS[-1]


@pytest.mark.parametrize("share, low, high", [(0.5, 0.3, 0.5), (1.0, 0.3, 0.5)])
def test_values_are_spread_evenly_within_their_bucket(
    share: float, low: float, high: float
) -> None:
    found = buckets.quantile(of([0.4] * 10), share)
    assert found == pytest.approx(low + (high - low) * share)
