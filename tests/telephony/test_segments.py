"""A line's coming time as a string: what is written is what rings, at every second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcal_plugin.domain.destination import Destination, Kind
from gcal_plugin.ports import (
    ForeignForward,
    InvalidDestination,
    Line,
    PlanWindow,
    UnknownExtension,
    Unsupported,
)
from gcal_plugin.telephony.rendering import (
    NumberFormat,
    check_line,
    dialable,
    parse,
    render,
)
from gcal_plugin.telephony.segments import (
    MAX_REVISION,
    Timeline,
    check_width,
    decode,
    encode,
    of_set,
    of_windows,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
FORMATS: list[NumberFormat] = ["national", "00", "e164"]

destinations = st.one_of(
    st.builds(
        lambda digits: Destination(Kind.NUMBER, f"+31{digits}"),
        st.from_regex(r"[1-9][0-9]{8}", fullmatch=True),
    ),
    st.builds(
        lambda digits: Destination(Kind.NUMBER, f"+{digits}"),
        st.from_regex(r"(32|49|44|1)[1-9][0-9]{7,9}", fullmatch=True),
    ),
    st.builds(
        lambda digits: Destination(Kind.EXTENSION, digits),
        st.from_regex(r"[0-9]{2,6}", fullmatch=True),
    ),
)
moments = st.integers(0, 600).map(lambda seconds: NOON + timedelta(seconds=seconds))
windows = st.lists(
    st.builds(
        lambda start, length, to: PlanWindow(start, start + timedelta(seconds=length), to),
        moments,
        st.integers(0, 120),
        st.sampled_from([Destination(Kind.EXTENSION, str(n)) for n in range(330, 335)]),
    ),
    max_size=12,
)


@given(destinations, st.sampled_from(FORMATS))
def test_every_rendering_reads_back_as_the_same_destination(one, number_format):
    assert parse(render(one, number_format)) == one


@given(st.text())
def test_whatever_is_read_back_is_a_destination_or_refused(text: str):
    try:
        found = parse(text)
    except InvalidDestination:
        return
    assert set(text) <= set("0123456789+")
    assert found.value


@given(st.text())
def test_only_digits_and_a_plus_can_be_dialled(text: str):
    try:
        dialable(text)
    except InvalidDestination:
        return
    assert set(text) <= set("0123456789+")


@given(st.text(), st.text())
def test_a_line_is_plain_or_refused(domain: str, extension: str):
    try:
        check_line(Line(domain, extension))
    except UnknownExtension:
        return
    assert not set(domain + extension) & set(" /\\'\"\r\n;:$@%{}<>")


@given(windows, moments, st.lists(moments, min_size=1, max_size=20), st.sampled_from(FORMATS))
def test_a_plan_rings_at_each_second_who_its_windows_say(plan, until, instants, number_format):
    timeline = decode(encode(of_windows(plan, until, 7), number_format))
    assert timeline.revision == 7
    edges = [edge for one in plan for edge in (one.start, one.end)]
    for at in [*instants, *edges, *(edge - timedelta(seconds=1) for edge in edges)]:
        wanted = {
            one.destination for one in plan if one.start <= at < one.end and one.start < until
        }
        assert timeline.ringing(int(at.timestamp())) == wanted


@given(windows, moments)
def test_segments_follow_one_another_and_never_repeat_themselves(plan, until):
    segments = of_windows(plan, until, 1).segments
    ends = [segment.end for segment in segments]
    assert ends == sorted(set(ends))
    assert all(a.destinations != b.destinations for a, b in pairwise(segments))


@given(st.frozensets(destinations, max_size=10), st.integers(1, MAX_REVISION))
def test_a_set_rings_for_good(wanted, revision: int):
    timeline = decode(encode(of_set(wanted, revision), "national"))
    assert timeline == of_set(wanted, revision)
    assert timeline.ringing(2_000_000_000) == wanted


def test_a_window_that_begins_within_this_second_has_begun():
    start = NOON + timedelta(milliseconds=900)
    window = PlanWindow(start, NOON + timedelta(hours=1), Destination(Kind.EXTENSION, "333"))
    assert of_windows([window], NOON + timedelta(days=1), 1).ringing(int(start.timestamp()))


def test_a_set_that_expires_is_empty_from_that_second_on():
    timeline = of_set(frozenset({Destination(Kind.EXTENSION, "333")}), 1, NOON)
    assert timeline.ringing(int(NOON.timestamp()) - 1)
    assert not timeline.ringing(int(NOON.timestamp()))


@pytest.mark.parametrize(
    "value",
    ["", "x", "1;000000001;0001;", "2;000000001;0000;", "1;1;1;", "1;000000001;0001;" + "9" * 19,
     "1;000000001;0001;21474836470000000010<script>!!"],
)  # fmt: skip
def test_another_hands_value_is_told_and_not_guessed(value: str):
    with pytest.raises(ForeignForward):
        decode(value)


def test_what_does_not_fit_is_told_before_it_is_sent():
    with pytest.raises(Unsupported, match="revision"):
        check_width(Timeline(MAX_REVISION + 1, ()), 10)
    many = [
        PlanWindow(
            NOON + timedelta(minutes=place),
            NOON + timedelta(minutes=place, seconds=30),
            Destination(Kind.EXTENSION, "333"),
        )
        for place in range(600)
    ]
    with pytest.raises(Unsupported, match="1200 changes"):
        check_width(of_windows(many, NOON + timedelta(days=2), 1), 10)
    crowd = [
        PlanWindow(NOON, NOON + timedelta(hours=1), Destination(Kind.EXTENSION, str(300 + place)))
        for place in range(4)
    ]
    with pytest.raises(Unsupported, match="4 destinations"):
        check_width(of_windows(crowd, NOON + timedelta(days=1), 1), 3)
