"""The schema check notices what is wrong (and the server records it)."""

from __future__ import annotations

from typing import Any

import pytest

from example_app.fake_google.process import LocalGoogle, SchemaViolated
from example_app.fake_google.schema import violations

from .conftest import FULL, JAN, Api

GOOD = {
    "kind": "calendar#event",
    "id": "x",
    "start": {"date": "2026-03-03"},
    "extendedProperties": {"private": {"any": "name"}},
    "sequence": 1,
}


def test_a_good_event_and_any_part_of_it_passes() -> None:
    assert violations(GOOD, "Event") == []
    assert violations({"id": "x"}, "Event") == []
    assert violations({"items": [GOOD]}, "Events") == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": 3}, "Event.id is int, not string"),
        ({"colour": "red"}, "Event.colour is not a property Google has"),
        ({"start": "2026-03-03"}, "Event.start is str, not object"),
        ({"start": {"date": "3 March"}}, "Event.start.date is '3 March', not a date"),
        ({"created": "2026-03-03T10:00"}, "Event.created is '2026-03-03T10:00', not a date-time"),
        ({"sequence": True}, "Event.sequence is bool, not integer"),
        ({"attendees": {"email": "x"}}, "Event.attendees is dict, not array"),
        ({"attendees": [{"self": "yes"}]}, "Event.attendees[0].self is str, not boolean"),
        (
            {"extendedProperties": {"private": {"a": 1}}},
            "Event.extendedProperties.private.a is int, not string",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_path(change: dict[str, Any], told: str) -> None:
    assert violations({**GOOD, **change}, "Event") == [told]


def _answer_with_a_colour(google: LocalGoogle) -> None:
    with google:
        google.add_account(JAN)
        google.add_event(JAN, "x", "2026-03-03", "2026-03-04", colour="red")
        api = Api(google, JAN, FULL)
        api.get("/calendars/primary/events")
        api.http.close()
        if found := google.violations():
            assert found[0]["endpoint"] == "events.list"
            assert found[0]["faults"] == ["Events.items[0].colour is not a property Google has"]


def test_an_answer_that_does_not_fit_fails_whoever_relied_on_it() -> None:
    with pytest.raises(SchemaViolated, match="colour is not a property Google has"):
        _answer_with_a_colour(LocalGoogle())
    _answer_with_a_colour(LocalGoogle(check_schema=False))
