"""What holds for every title, every number and every calendar that Hypothesis can think of."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gcal_plugin.domain import zones
from gcal_plugin.domain.destination import (
    Destination,
    Kind,
    display,
    international,
    national,
    read_title,
)
from gcal_plugin.domain.forwarding import desired_at, next_change, next_edge, segments
from gcal_plugin.domain.policy import DEFAULT, LineContext, Policy, explain
from gcal_plugin.domain.reasons import Reason
from gcal_plugin.domain.schedule import CalendarEvent, EventTime, Window, event_window, judge
from tests import oracle

EXTENSION = re.compile(r"[2-9][0-9]{1,5}|1[0-9]|1[0-9]{4,5}")

anything = st.text(st.characters(exclude_categories=())) | st.text(
    st.sampled_from("0123456789+-. ()/*#;,:pwxOo\u00a0–６٣\u200b\u202e\u0336\ufe0f\t")
)
dutch = st.one_of(
    st.from_regex(r"\A6[1-58][0-9]{7}\Z"),
    st.from_regex(r"\A(?:10|20|30|70|113)[2-6][0-9]{6}\Z").map(lambda digits: digits[:9]),
    st.from_regex(r"\A8[58][0-9]{7}\Z"),
).filter(lambda digits: read_title("0" + digits).destination is not None)


@given(anything)
@example("(" * 5000)
@example("0" * 10_000)
@example("0612345678 " * 1000)
@example("+" + " " * 5000 + "1")
@settings(max_examples=600, deadline=None)
def test_reading_never_raises_and_never_half_answers(title):
    reading = read_title(title)
    assert (reading.reason is None) == (reading.value is not None)
    assert (reading.reason is None) == (reading.destination is not None)
    verdict = explain(title)
    assert verdict.allowed is (verdict.reason is None)
    assert verdict.allowed is (verdict.destination is not None)


@given(anything)
@settings(max_examples=600, deadline=None)
def test_what_is_allowed_is_a_plain_dutch_number_or_an_extension(title):
    verdict = explain(title)
    if verdict.allowed:
        pattern = oracle.GOOD if verdict.kind is Kind.NUMBER else EXTENSION
        assert pattern.fullmatch(verdict.value or "")


@given(anything)
@settings(max_examples=400, deadline=None)
def test_a_suggestion_is_a_title_that_forwards(title):
    suggestion = explain(title).suggestion
    assert suggestion is None or explain(suggestion).allowed


@given(dutch)
@settings(deadline=None)
def test_every_written_form_of_a_number_reads_as_that_number(digits):
    destination = Destination(Kind.NUMBER, "+31" + digits)
    for form in (national, international, display, str):
        assert read_title(form(destination)).destination == destination


@given(
    dutch, st.sampled_from(["0", "+31", "0031", "+31 (0)", "+31(0)", "00 31 ", "0031-"]), st.data()
)
@settings(max_examples=200, deadline=None)
def test_every_spelling_of_a_number_reads_as_that_number(digits, start, data):
    gaps = st.sampled_from(["", "", " ", "-", ".", "\u00a0", "–", " - "])
    spelling = start + "".join(digit + data.draw(gaps) for digit in digits[:-1]) + digits[-1]
    edge = data.draw(st.sampled_from(["", " ", "\n", "\u3000"]))
    assert read_title(edge + spelling + edge).value == "+31" + digits


@given(dutch, st.sampled_from("*#;\u200b\u202e\u2060\x00６/@"), st.integers(0, 10))
@settings(max_examples=200, deadline=None)
def test_one_strange_sign_anywhere_stops_a_number(digits, sign, place):
    number = "0" + digits
    assert not explain(number[:place] + sign + number[place:]).allowed


@given(dutch, dutch, st.sampled_from([" ", "/", ", ", " en ", " - ", ";", " | "]))
@settings(deadline=None)
def test_two_numbers_are_never_one(one, two, between):
    verdict = explain(f"0{one}{between}0{two}")
    assert not verdict.allowed
    if one != two:
        assert verdict.reason is Reason.SEVERAL_NUMBERS


# -- schedules -------------------------------------------------------------------------------

START = datetime(2027, 3, 1, tzinfo=UTC)
WHO = [Destination(Kind.NUMBER, f"+3161234567{last}") for last in range(3)] + [
    Destination(Kind.EXTENSION, "200"),
    Destination(Kind.EXTENSION, "333"),
]


@st.composite
def some_windows(draw):
    found = []
    for place in range(draw(st.integers(0, 8))):
        who = draw(st.sampled_from(WHO))
        start = draw(st.integers(0, 12))
        found.append(
            Window(
                event_id=f"e{place}",
                start=START + timedelta(hours=start),
                end=START + timedelta(hours=start + draw(st.integers(-1, 6))),
                kind=who.kind,
                value=who.value,
                allowed=draw(st.booleans()) or draw(st.booleans()),
            )
        )
    return found


@given(some_windows(), st.none() | st.integers(1, 3), st.none() | st.just("200"))
@settings(max_examples=300, deadline=None)
def test_the_plan_the_next_change_and_the_moment_agree(windows, most, own):
    limits = {"max_destinations": most, "own_extension": own}
    end = START + timedelta(hours=24)
    plan = segments(windows, START, end, **limits)
    for place in range(48):
        now = START + timedelta(minutes=30 * place)
        rings = set(desired_at(windows, now, **limits).destinations)
        planned = [part for part in plan if part.start <= now < part.end]
        assert rings == {who for part in planned for who in part.destinations}
        following = next_change(windows, now, **limits)
        edge = next_edge(windows, now)
        if following is not None:
            assert edge is not None
            assert edge <= following
            before = following - timedelta(microseconds=1)
            assert set(desired_at(windows, before, **limits).destinations) == rings
            assert set(desired_at(windows, following, **limits).destinations) != rings
        else:
            later = [desired_at(windows, part.start, **limits) for part in plan if part.start > now]
            assert not later
    assert all(one.end <= two.start for one, two in pairwise(plan))
    assert all(
        set(one.destinations) != set(two.destinations)
        for one, two in pairwise(plan)
        if one.end == two.start
    )


@given(some_windows(), st.randoms())
@settings(deadline=None)
def test_the_order_in_which_windows_arrive_does_not_matter(windows, random):
    shuffled = list(windows)
    random.shuffle(shuffled)
    now = START + timedelta(hours=6)
    one, two = desired_at(windows, now), desired_at(shuffled, now)
    assert (one.destinations, one.causes, one.until) == (two.destinations, two.causes, two.until)


titles = st.sampled_from(
    ["0612345678", "0900-8844", "333", "101", "+32471234567", "612345678", "Overleg", None]
)
policies = st.builds(
    Policy,
    allowed_countries=st.sets(st.sampled_from(["NL", "BE"])).map(frozenset),
    denied_prefixes=st.sets(st.sampled_from(["+316"])).map(frozenset),
    max_forward_length=st.sampled_from([timedelta(minutes=5), timedelta(days=31)]),
    accept_invitations=st.booleans(),
)
lines = st.builds(
    LineContext,
    known_extensions=st.none() | st.just(frozenset({"333"})),
    blocked=st.sets(st.sampled_from(["+31612345678"])).map(frozenset),
    killed=st.booleans(),
)
events = st.builds(
    CalendarEvent,
    id=st.just("e"),
    title=titles,
    start=st.just(EventTime(instant=START)),
    end=st.integers(0, 60).map(lambda m: EventTime(instant=START + timedelta(minutes=m))),
    organizer_self=st.none() | st.booleans(),
    self_response=st.sampled_from([None, "accepted", "declined", "needsAction"]),
    event_type=st.sampled_from(["default", "default", "focusTime"]),
    end_unspecified=st.booleans(),
)


@given(events, policies, lines, policies, lines)
@settings(max_examples=400, deadline=None)
def test_judging_forgets_what_was_judged_before(event, policy, line, other, elsewhere):
    window = event_window(event, calendar_zone="Europe/Amsterdam")
    assert window is not None
    judged = judge(window, policy, line)
    assert judge(judged, policy, line) == judged
    through_others = judge(judge(window, other, elsewhere), policy, line)
    assert replace(through_others, suggestion=None) == replace(judged, suggestion=None)
    assert judged.allowed is (judged.reason is None)
    if judged.allowed:
        assert explain(event.title, policy, line).allowed
        assert judge(window, DEFAULT, replace(line, killed=True)).allowed is False


NAMES = sorted(
    {"Africa/Cairo", "America/Havana", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Kathmandu"}
    | {"America/Santiago", "Europe/Amsterdam", "America/St_Johns", "Africa/Casablanca"}
)


@given(st.dates(date(1960, 1, 1), date(2037, 12, 31)), st.sampled_from(NAMES))
@settings(max_examples=300, deadline=None)
def test_a_day_begins_at_its_first_instant(day, name):
    start = zones.start_of_day(day, name)
    local = zones.zone(name)
    assert start.astimezone(local).date() >= day
    before = start - timedelta(seconds=1)
    assert before.astimezone(local).date() < day
