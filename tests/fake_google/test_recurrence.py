"""Series across the change of the clocks: against written-out instants, and against `ical`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ical.calendar_stream import IcsCalendarStream
from ical.exceptions import CalendarParseError

from example_app.fake_google.errors import ApiError
from example_app.fake_google.recurrence import instant_of, occurrences

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
FAR = datetime(2027, 1, 1, tzinfo=UTC)


def starts(body: dict, until: datetime = FAR, zone: ZoneInfo = AMSTERDAM) -> list[str]:
    return [
        f"{instant_of(one.start, zone):%m-%d %H:%M}/{instant_of(one.end, zone):%m-%d %H:%M}"
        for one in occurrences(body, zone, until=until)
    ]


def timed(start: str, end: str, *lines: str, zone: str = "Europe/Amsterdam") -> dict:
    return {
        "start": {"dateTime": start, "timeZone": zone},
        "end": {"dateTime": end, "timeZone": zone},
        "recurrence": list(lines),
    }


def all_day(start: str, end: str, *lines: str) -> dict:
    return {"start": {"date": start}, "end": {"date": end}, "recurrence": list(lines)}


def test_a_daily_series_keeps_its_wall_clock_start_when_the_clocks_go_forward() -> None:
    body = timed("2026-03-28T18:00:00", "2026-03-28T19:00:00", "RRULE:FREQ=DAILY;COUNT=3")
    assert starts(body) == [
        "03-28 17:00/03-28 18:00",
        "03-29 16:00/03-29 17:00",
        "03-30 16:00/03-30 17:00",
    ]


def test_a_night_series_lasts_as_long_in_the_short_night_and_in_the_long_one() -> None:
    spring = timed("2026-03-27T22:00:00", "2026-03-28T08:00:00", "RRULE:FREQ=DAILY;COUNT=2")
    assert starts(spring) == ["03-27 21:00/03-28 07:00", "03-28 21:00/03-29 07:00"]
    autumn = timed("2026-10-23T22:00:00", "2026-10-24T08:00:00", "RRULE:FREQ=DAILY;COUNT=3")
    assert starts(autumn) == [
        "10-23 20:00/10-24 06:00",
        "10-24 20:00/10-25 06:00",
        "10-25 21:00/10-26 07:00",
    ]


def test_all_day_series_have_days_of_23_and_25_hours() -> None:
    spring = all_day("2026-03-28", "2026-03-29", "RRULE:FREQ=DAILY;COUNT=3")
    assert starts(spring) == [
        "03-27 23:00/03-28 23:00",
        "03-28 23:00/03-29 22:00",
        "03-29 22:00/03-30 22:00",
    ]
    autumn = all_day("2026-10-25", "2026-10-26", "RRULE:FREQ=DAILY;COUNT=1")
    assert starts(autumn) == ["10-24 22:00/10-25 23:00"]


def test_a_start_that_the_clock_skips_and_one_that_comes_twice() -> None:
    skipped = timed("2026-03-28T02:30:00", "2026-03-28T02:45:00", "RRULE:FREQ=DAILY;COUNT=2")
    assert starts(skipped)[1] == "03-29 01:30/03-29 01:45"
    twice = timed("2026-10-24T02:30:00", "2026-10-24T02:45:00", "RRULE:FREQ=DAILY;COUNT=2")
    assert starts(twice)[1] == "10-25 00:30/10-25 00:45"


def test_until_is_inclusive_and_in_utc() -> None:
    rule = "RRULE:FREQ=WEEKLY;UNTIL=20260330T160000Z"
    body = timed("2026-03-16T18:00:00", "2026-03-16T19:00:00", rule)
    assert [one[:5] for one in starts(body)] == ["03-16", "03-23", "03-30"]
    earlier = timed("2026-03-16T18:00:00", "2026-03-16T19:00:00", rule.replace("160000", "155959"))
    assert [one[:5] for one in starts(earlier)] == ["03-16", "03-23"]
    days = all_day("2026-03-16", "2026-03-17", "RRULE:FREQ=WEEKLY;UNTIL=20260330")
    assert len(starts(days)) == 3


@pytest.mark.parametrize(
    "line",
    [
        "EXDATE:20260330T160000Z",
        "EXDATE;TZID=Europe/Amsterdam:20260330T180000",
        "EXDATE;TZID=America/New_York:20260330T120000",
        "EXDATE;VALUE=DATE:20260330",
    ],
)
def test_an_excluded_date_in_every_spelling(line: str) -> None:
    body = timed("2026-03-23T18:00:00", "2026-03-23T19:00:00", "RRULE:FREQ=WEEKLY;COUNT=3", line)
    assert [one[:5] for one in starts(body)] == ["03-23", "04-06"]


def test_extra_dates_stand_beside_the_first() -> None:
    body = timed("2026-03-23T18:00:00", "2026-03-23T19:00:00", "RDATE:20260401T160000Z")
    assert [one[:5] for one in starts(body)] == ["03-23", "04-01"]


@pytest.mark.parametrize(
    "line",
    [
        "RRULE:FREQ=SECONDLY",
        "RRULE:COUNT=3",
        "RRULE:FREQ=WEEKLY;BYDAY=XX",
        "X:1",
        "RRULE:FREQ=DAILY;UNTIL=soon",
        "EXDATE:never",
        "RRULE",
    ],
)
def test_what_cannot_be_expanded_is_refused(line: str) -> None:
    body = timed("2026-03-23T18:00:00", "2026-03-23T19:00:00", line)
    with pytest.raises(ApiError) as refused:
        starts(body)
    assert refused.value.status == 400


_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@st.composite
def rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.integers(1, 4))}"]
    if frequency == "WEEKLY":
        parts.append(
            "BYDAY="
            + ",".join(draw(st.lists(st.sampled_from(_DAYS), min_size=1, max_size=4, unique=True)))
        )
    if frequency == "MONTHLY" and draw(st.booleans()):
        parts.append(f"BYDAY={draw(st.sampled_from([1, 2, 3, -1]))}{draw(st.sampled_from(_DAYS))}")
    end = draw(st.sampled_from(["count", "until"]))
    if end == "count":
        parts.append(f"COUNT={draw(st.integers(1, 40))}")
    else:
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=draw(st.integers(0, 8_700)))
        parts.append(f"UNTIL={moment:%Y%m%dT%H%M%SZ}")
    return ";".join(parts)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rule=rules(),
    first=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)),  # noqa: DTZ001 - wall clock
    zone=st.sampled_from(["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_the_same_instants_as_another_library(rule: str, first: datetime, zone: str) -> None:
    first = first.replace(second=0, microsecond=0)
    here = ZoneInfo(zone)
    if first.replace(tzinfo=here).astimezone(UTC).astimezone(here).replace(tzinfo=None) != first:
        first += timedelta(hours=3)  # a first start that the clock skips says nothing certain
    end = first + timedelta(hours=1)
    body = timed(first.isoformat(), end.isoformat(), f"RRULE:{rule}", zone=zone)
    ours = [one.start for one in occurrences(body, here, until=datetime(2031, 1, 1, tzinfo=UTC))]
    assert ours == _by_ical(first, end, rule, zone)


def _by_ical(first: datetime, end: datetime, rule: str, zone: str) -> list[datetime]:
    prefix = "" if zone == "UTC" else f";TZID={zone}"
    suffix = "Z" if zone == "UTC" else ""
    text = "\r\n".join(
        [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:test",
            "BEGIN:VEVENT",
            "UID:1",
            "DTSTAMP:20260101T000000Z",
            f"DTSTART{prefix}:{first:%Y%m%dT%H%M%S}{suffix}",
            f"DTEND{prefix}:{end:%Y%m%dT%H%M%S}{suffix}",
            f"RRULE:{rule}",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    )
    try:
        calendar = IcsCalendarStream.calendar_from_ics(text)
    except CalendarParseError as error:
        raise AssertionError(f"the other library cannot read this: {text}") from error
    found = calendar.timeline_tz(UTC).overlapping(
        datetime(2025, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
    )
    return [event.start_datetime.astimezone(UTC) for event in found]
