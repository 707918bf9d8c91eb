"""What the list of coming appointments shows at once, and what it folds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from flask import Flask, g

from gcal_plugin.services.reporting import EventView
from gcal_plugin.web.coming import coming
from gcal_plugin.web.gallery.people import NOW, at, tenant
from gcal_plugin.web.gallery.views import MOBILE, event


@pytest.fixture
def asked(shown: Flask) -> Iterator[None]:
    with shown.test_request_context():
        g.gcal_now, g.gcal_tenant = NOW, tenant("plain", "Plain")
        yield


def on(*days: int) -> list[EventView]:
    return [event(at(day, "09:00"), at(day, "17:00"), MOBILE) for day in days]


@pytest.mark.usefixtures("asked")
def test_a_week_is_in_sight_and_the_rest_is_folded() -> None:
    found = coming(on(0, 6, 7, 8, 9, 10))
    assert [day for day, _events in found.near] == [date(2026, 11, 24), date(2026, 11, 30)]
    assert [day.day for day, _events in found.later] == [1, 2, 3, 4]
    assert (found.count_later, found.wrong_later) == (4, 0)


@pytest.mark.usefixtures("asked")
def test_a_few_are_not_worth_a_fold() -> None:
    found = coming(on(0, 7, 8, 9))
    assert len(found.near) == 4
    assert found.later == []


@pytest.mark.usefixtures("asked")
def test_the_first_day_is_in_sight_however_far() -> None:
    found = coming(on(20, 20, 21, 22, 23, 24))
    assert [len(events) for _day, events in found.near] == [2]
    assert found.count_later == 4


@pytest.mark.usefixtures("asked")
def test_what_runs_since_yesterday_stands_under_today() -> None:
    (running,) = coming([event(at(-1, "18:00"), at(0, "18:00"), MOBILE)]).near
    assert running[0] == date(2026, 11, 24)


@pytest.mark.usefixtures("asked")
def test_the_fold_tells_how_many_do_not_forward() -> None:
    far = on(8, 9, 10, 11)
    far[1] = replace(far[1], destination=None)
    assert coming(far[:1] + on(0) + far).wrong_later == 1


@pytest.mark.usefixtures("asked")
def test_nothing_is_nothing() -> None:
    found = coming([])
    assert (found.near, found.later) == ([], [])
