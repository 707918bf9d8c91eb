"""Dates, times, prices and words in the reader's language; a host's own words; letters' colours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask, g

from gcal_plugin.domain.reasons import Reason
from gcal_plugin.ports import Tenant
from gcal_plugin.services.letters import MAIL_THEMES
from gcal_plugin.services.reporting import Mend, PageState, Problem, ProblemCode
from gcal_plugin.web import formats, words, words_events, words_parts, words_problems
from gcal_plugin.web.i18n import gettext, in_locale
from tests.servers.databases import Databases
from tests.support.portal_app import portal

NOW = datetime(2026, 11, 24, 9, 20, tzinfo=UTC)  # Tuesday, 10:20 in Amsterdam
SPACE = "\u00a0"


@pytest.fixture
def asked(shown: Flask) -> Iterator[None]:
    """A request of a customer in Amsterdam."""
    with shown.test_request_context():
        g.gcal_account, g.gcal_now, g.gcal_locale = None, NOW, "nl"
        g.gcal_tenant = Tenant(id="t", name="T", pbx="main")
        yield


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    "later, nl, en",
    [
        (timedelta(hours=6), "16:20", "16:20"),
        (timedelta(days=1), "wo 10:20", "Wed 10:20"),
        (timedelta(days=6), "ma 10:20", "Mon 10:20"),
        (timedelta(days=7), "di 1 dec 10:20", "Tue 1 Dec 10:20"),
        (timedelta(days=-1), "ma 10:20", "Mon 10:20"),
        (timedelta(days=-3), "za 21 nov 10:20", "Sat 21 Nov 10:20"),
        (timedelta(hours=13, minutes=40), "wo 00:00", "Wed 00:00"),
    ],
)
def test_a_moment_is_as_short_as_it_can_be(later: timedelta, nl: str, en: str) -> None:
    assert formats.moment(NOW + later).replace(SPACE, " ") == nl
    with in_locale("en"):
        assert formats.moment(NOW + later).replace(SPACE, " ") == en


@pytest.mark.usefixtures("asked")
def test_periods_durations_and_money() -> None:
    assert formats.period(NOW, NOW + timedelta(hours=2)) == "10:20 – 12:20"
    assert formats.period(NOW, NOW + timedelta(days=2)) == "10:20 – do 26 nov 10:20"
    midnight = datetime(2026, 11, 23, 23, tzinfo=UTC)
    assert formats.period(midnight, midnight + timedelta(days=1), all_day=True) == "hele dag"
    both = formats.period(midnight, midnight + timedelta(days=2), all_day=True)
    assert both == "hele dag, tot en met wo 25 nov"
    evening = datetime(2026, 11, 23, 17, tzinfo=UTC)  # yesterday, as today is a Tuesday
    running = formats.period(evening, evening + timedelta(hours=14))
    assert running.replace(SPACE, " ") == "ma 18:00 – 08:00"
    away = formats.period(evening - timedelta(days=2), evening + timedelta(days=2))
    assert away.replace(SPACE, " ") == "za 21 nov 18:00 – wo 25 nov 18:00"
    assert formats.money(Decimal("1250.5")) == "EUR 1.250,50"
    assert formats.seconds(1.25).replace(SPACE, " ") == "1,2 s"
    assert formats.duration(60) == "1 minuut"
    with in_locale("en"):
        assert formats.money(Decimal("1250.5")) == "EUR 1,250.50"


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    "start, text",
    [
        (datetime(2026, 11, 24, tzinfo=UTC), "01:00 – wo 25 nov 01:00"),  # London's 24th
        (datetime(2026, 11, 24, 5, tzinfo=UTC), "06:00 – wo 25 nov 06:00"),  # New York's
        (datetime(2026, 11, 23, 22, tzinfo=UTC), "ma 23:00 – 23:00"),  # that of Athens
        (datetime(2026, 11, 23, 23, tzinfo=UTC), "hele dag"),  # our own
    ],
)
def test_a_whole_day_of_another_zone_says_its_hours(start: datetime, text: str) -> None:
    told = formats.period(start, start + timedelta(days=1), all_day=True)
    assert told.replace(SPACE, " ") == text


@pytest.mark.usefixtures("asked")
def test_the_hour_that_autumn_repeats_says_which_of_the_two() -> None:
    g.gcal_now = datetime(2026, 10, 24, 9, 20, tzinfo=UTC)
    half_past = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert formats.period(half_past, half_past + hour) == "02:30 CEST – 02:30 CET"
    assert formats.period(half_past, half_past + hour / 2) == "02:30 CEST – 02:00 CET"
    assert formats.period(half_past, half_past + 2 * hour) == "02:30 – 03:30"
    assert formats.period(half_past + hour, half_past + 2 * hour) == "02:30 – 03:30"
    day = datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert formats.period(day, day + 25 * hour, all_day=True) == "hele dag"


@pytest.mark.usefixtures("asked")
def test_a_stale_calendar_says_until_when_what_is_known_goes_on() -> None:
    found = Problem(ProblemCode.STALE, Mend.REFRESH, NOW, until=NOW + timedelta(hours=6))
    told = "Wijzigingen sindsdien zien we niet; bekende afspraken lopen door"
    assert words.consequence(found) == f"{told} tot 16:20."
    assert words.consequence(replace(found, until=None)) == f"{told}."


@pytest.mark.usefixtures("asked")
def test_the_zone_is_the_tenants() -> None:
    g.gcal_tenant = Tenant(id="t", name="T", pbx="main", time_zone="America/New_York")
    g.pop("gcal_zone", None)
    assert formats.clock(NOW) == "04:20"


@pytest.mark.usefixtures("asked")
def test_every_code_has_words() -> None:
    assert set(words_events._REASONS) == set(Reason)
    counted = {ProblemCode.TYPED_WRONG}
    assert set(words_problems._PROBLEMS) | counted == set(ProblemCode)
    assert set(words_problems._MENDS) == set(Mend) - {Mend.NONE}
    assert set(words.TONES) == set(words.ICONS) == set(PageState)
    assert words_parts.kind is words.kind


def test_a_hosts_own_words_go_before_ours(databases: Databases, tmp_path: Path) -> None:
    folder = tmp_path / "words" / "nl" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalog = Catalog(locale="nl")
    catalog.add("Fetch now", "Haal op")
    with (folder / "gcal.mo").open("wb") as out:
        write_mo(out, catalog)
    named = {"BABEL_TRANSLATION_DIRECTORIES": str(tmp_path / "words")}
    with portal(databases, **named) as app, app.test_request_context(), in_locale("nl"):
        assert gettext("Fetch now") == "Haal op"
        assert gettext("Test") == "Testen"
    with portal(databases) as app, app.test_request_context(), in_locale("nl"):
        assert gettext("Fetch now") == "Nu ophalen"


def test_letters_get_the_colours_of_their_theme(shown: Flask) -> None:
    theme_of = shown.extensions["gcal"].extras[MAIL_THEMES]
    ours, plain = theme_of("belwinkel"), theme_of("plain")
    assert ours.light["color.brand"] == "#a61e4d"
    assert ours.dark["color.brand"] == "#ff9fbe"
    assert plain.light["color.brand"] != ours.light["color.brand"]
    answer = shown.test_client().get(f"/google-calendar{ours.header}")
    assert answer.status_code == 200
    assert answer.mimetype == "image/png"  # mail programs show no SVG
