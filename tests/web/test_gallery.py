"""Every page in every theme and language: whole, light, translated, strict."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from flask import Flask, g

from gcal_plugin.services.reporting import PageState
from gcal_plugin.web import render
from gcal_plugin.web.gallery import KINDS, PAGES, PREFIX, STATES
from gcal_plugin.web.gallery.people import NOW, account, tenant
from gcal_plugin.web.gallery.views import views
from gcal_plugin.web.pages.status import context as status_context
from gcal_plugin.web.theming.theme import Themes

THEMES = Themes().names()
MOST = 60_000
"""Bytes of a page with its stylesheets and script, without the logo; not even compressed."""


def page_of(app: Flask, theme: str, locale: str, name: str) -> str:
    answer = app.test_client().get(f"{PREFIX}/{theme}/{locale}/{name}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_the_nineteen_states_are_there() -> None:
    assert len(STATES) == 19
    assert set(STATES) <= set(PAGES)


@pytest.mark.parametrize("theme, locale", list(product(THEMES, ["nl", "en"])))
def test_every_page_is_whole_and_strict(shown: Flask, theme: str, locale: str) -> None:
    for name in PAGES:
        page = page_of(shown, theme, locale, name)
        assert f'<html lang="{locale}">' in page
        assert page.count("<h1") == 1, name
        assert page.rstrip().endswith("</html>")
        assert not re.search(r"<[a-z][^>]*\sstyle=", page), name
        assert "<style" not in page
        assert not re.search(r"<script(?![^>]*\ssrc=)", page), name
        assert not re.search(r"<[a-z][^>]*\son[a-z]+=", page), name
        assert "None" not in re.sub(r"<[^>]+>", "", page), name
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids)), (name, ids)
        for reference in re.findall(r'aria-(?:labelledby|describedby|controls)="([^"]+)"', page):
            assert set(reference.split()) <= set(ids), (name, reference)


@pytest.mark.parametrize("theme", THEMES)
def test_pages_are_light(shown: Flask, theme: str) -> None:
    client = shown.test_client()
    for name in PAGES:
        page = page_of(shown, theme, "nl", name)
        weight = len(page.encode())
        for address in set(re.findall(r'(?:href|src)="(/[^"]+\.(?:css|js))"', page)):
            with client.get(address) as answer:
                weight += len(answer.get_data())
        assert weight <= MOST, (theme, name, weight)
        assert len(gzip.compress(page.encode())) <= 15_000


SENTENCES = {
    "unavailable": "Deze koppeling is niet beschikbaar voor jouw account.",
    "not_configured": "Je hebt nog geen koppeling.",
    "requested": "Aanvraag ontvangen; je krijgt een offerte.",
    "quoted": "Je offerte staat klaar, geldig tot 24 december 2026.",
    "agreed": "Akkoord ontvangen; we gaan inrichten.",
    "provisioning": "We richten je koppeling in.",
    "ready": "Koppel nu je Google-account.",
    "cancelled": "Koppelen afgebroken; niets is gewijzigd.",
    "scope": "Google gaf niet alle toestemming; vink alles aan.",
    "no_calendar": "Kies nog een agenda.",
    "idle": "Niet doorgeschakeld. Volgende: wo 09:00.",
    "forwarding": "Doorgeschakeld naar 06 12345678 tot 17:00.",
    "stale": "Agenda niet bijgewerkt sinds 07:20; bekende afspraken lopen door.",
    "reconnect": "Geen toegang tot Google, doorschakelen staat stil; koppel opnieuw.",
    "gone": "Je agenda is verdwenen; kies een andere.",
    "refused": "De telefooncentrale weigerde de doorschakeling; nu gaat je eigen toestel over.",
    "paused": "Gepauzeerd tot ma 08:00; je eigen toestel gaat over.",
    "confirm": "Ontkoppelen? Je doorschakeling stopt direct.",
    "disconnected": "Ontkoppeld; je eigen toestel gaat weer over.",
}


MEANWHILE = {
    "reconnect-fallback": "Geen toegang tot Google, gesprekken gaan naar 020 123 4568 (Kantoor); "
    "koppel opnieuw.",
    "unreadable": "We kunnen de titels in je agenda niet lezen; er begint geen doorschakeling "
    "meer.",
    "stale-stop": "Agenda niet bijgewerkt sinds za 21 nov 10:20; er begint geen doorschakeling "
    "meer.",
    "stale-fallback": "Agenda niet bijgewerkt sinds za 21 nov 10:20; gesprekken gaan naar "
    "020 123 4568 (Kantoor).",
    "unreachable": "De telefooncentrale antwoordt niet; voor zover we weten gaat je eigen toestel "
    "over.",
}
"""Links that do something else than follow their calendar."""


@pytest.mark.parametrize("theme, state", list(product(THEMES, [*STATES, *MEANWHILE])))
def test_the_status_sentence_is_the_agreed_one(shown: Flask, theme: str, state: str) -> None:
    page = page_of(shown, theme, "nl", state)
    found = re.search(r'<h2[^>]*id="g-now"[^>]*>(.*?)</h2>', page, re.DOTALL)
    assert found is not None
    assert found[1].replace("\u00a0", " ") == (SENTENCES | MEANWHILE)[state]


@pytest.mark.parametrize(
    "name, told, untold",
    [
        ("reconnect-fallback", "ook tijdens 4 doorschakelingen", "gaan niet door"),
        ("reconnect-fallback", "Alle gesprekken gaan naar 020 123 4568", "staat stil; je eigen"),
        ("stale-stop", "wat nu loopt, eindigt op tijd", "lopen door"),
        ("stale-fallback", "ook tijdens 4 doorschakelingen", "lopen door"),
        ("unreadable", "Deel de agenda weer met alle details", "verdwenen"),
        ("unreachable", "antwoordt niet; we blijven het proberen", "weigerde"),
    ],
)
def test_what_it_costs_meanwhile_is_what_calls_do(
    shown: Flask, name: str, told: str, untold: str
) -> None:
    page = re.sub(r"<[^>]+>", " ", page_of(shown, "plain", "nl", name)).replace("\u00a0", " ")
    assert told in page
    assert untold not in page


def test_each_way_to_an_appointment_has_a_name_of_its_own(shown: Flask) -> None:
    for theme in THEMES:
        page = page_of(shown, theme, "nl", "idle")
        names = re.findall(r'class="g-event-link"[^>]*aria-labelledby="([^"]+)"', page)
        assert len(names) > 5
        assert len(names) == len(set(names))
        for one in names:
            opens, day, at = one.split()
            assert opens == "g-opens"
            assert page.count(f'id="{day}"') == page.count(f'id="{at}"') == 1


@pytest.mark.parametrize("name", PAGES)
def test_english_pages_have_no_dutch_left(shown: Flask, name: str) -> None:
    page = re.sub(r"<[^>]+>", " ", page_of(shown, "plain", "en", name))
    for word in ("agenda ", "afspraak", "doorgeschakeld", "koppel", "toestel", "extensie "):
        assert word not in page.lower().replace("doorgeschakelde", ""), (name, word)


def test_every_google_button_says_what_google_lets_it_say(shown: Flask) -> None:
    found = [
        words
        for name in PAGES
        for words in re.findall(
            r'class="g-google".*?<span>([^<]+)</span>', page_of(shown, "plain", "en", name)
        )
    ]
    assert len(found) >= 6
    assert set(found) == {"Continue with Google"}


def test_the_google_button_keeps_googles_colours_and_words(shown: Flask) -> None:
    for theme, (locale, words) in product(
        THEMES, [("nl", "Doorgaan met Google"), ("en", "Continue with Google")]
    ):
        page = page_of(shown, theme, locale, "ready")
        button = re.search(r'<button[^>]*class="g-google".*?</button>', page, re.DOTALL)
        assert button is not None
        assert words in button[0]
        for colour in ("#EA4335", "#4285F4", "#FBBC05", "#34A853"):
            assert colour in button[0]


@pytest.mark.parametrize("theme, locale", list(product(THEMES, ["nl", "en"])))
def test_every_letter_is_written_in_every_theme(shown: Flask, theme: str, locale: str) -> None:
    assert len(KINDS) >= 15
    for name in KINDS:
        letter = page_of(shown, theme, locale, name)
        assert f'lang="{locale}"' in letter, name
        assert "{{" not in letter
        assert "{%" not in letter
        assert "var(--" not in letter, "mail programs know no custom properties"


@pytest.mark.parametrize("theme", THEMES)
def test_what_comes_after_a_week_is_folded_and_told(shown: Flask, theme: str) -> None:
    page = page_of(shown, theme, "nl", "idle")
    folded = re.search(r'<details class="g-folded g-later">(.*?)</details>', page, re.DOTALL)
    assert folded is not None
    assert "6 afspraken vanaf di 1 dec, waarvan 1 niet doorschakelt" in folded[1]
    assert re.findall(r">(\w+ \d+ \w+)</h3>", folded[1])[0] == "dinsdag 1 december"
    assert "maandag 30 november" not in folded[1]
    few = page_of(shown, theme, "nl", "forwarding")
    assert "g-later" not in few, "nothing is folded where nothing comes later"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("state, words", [("paused", "gepauzeerd"), ("reconnect", "staat stil")])
def test_what_is_held_is_not_shown_as_if_it_forwards(
    shown: Flask, theme: str, state: str, words: str
) -> None:
    page = page_of(shown, theme, "nl", state)
    events = page[page.index('id="g-events"') : page.index('id="g-week"')]
    assert "Schakelt door naar" not in events
    assert "Schakelt voorlopig niet door naar" in events
    assert f">{words}</span>" in events
    week = page[page.index('id="g-week"') :]
    assert "g-week-bar" not in week
    assert f"– {words}" in week


def test_every_problem_has_its_button(shown: Flask) -> None:
    for state in ("forwarding", "stale", "reconnect", "gone", "refused", "paused"):
        page = page_of(shown, "plain", "nl", state)
        mends = re.findall(r'<div class="g-problem-mend">(.*?)</div>', page, re.DOTALL)
        assert mends, state
        for mend in mends:
            assert "<button" in mend or "<a " in mend, state


@pytest.mark.parametrize("theme", THEMES)
def test_a_running_appointment_is_on_only_where_the_exchange_says_so(
    shown: Flask, theme: str
) -> None:
    def marks(state: str) -> list[str]:
        page = page_of(shown, theme, "nl", state)
        events = page[page.index('id="g-events"') : page.index('id="g-week"')]
        return re.findall(r'<span class="g-tag[^"]*">([^<]+)</span>', events)

    assert marks("forwarding") == ["nu"]
    assert marks("refused") == ["niet aan"]


@pytest.mark.parametrize("theme", THEMES)
def test_the_fullest_page_is_light_on_the_wire(shown: Flask, theme: str) -> None:
    """Fifty appointments; stylesheets and script compressed as docs/operate/nginx.conf does it."""
    one = views()[PageState.IDLE].events[0]
    many = tuple(
        replace(one, event_id=f"e{number}", start=NOW + timedelta(hours=9 * number + 1),
                end=NOW + timedelta(hours=9 * number + 3), url=f"{one.url}{'x' * 90}{number}")
        for number in range(50)
    )  # fmt: skip
    with shown.test_request_context():
        g.gcal_account, g.gcal_tenant = account("nl"), tenant(theme, theme)
        g.gcal_now, g.gcal_locale, g.gcal_theme = NOW, "nl", theme
        full = replace(views()[PageState.IDLE], events=many)
        page = render.page("status.html", **status_context(full))
    weight = len(page.encode())
    for address in set(re.findall(r'(?:href|src)="(/[^"]+\.(?:css|js))"', page)):
        with shown.test_client().get(address) as answer:
            weight += len(gzip.compress(answer.get_data()))
    assert page.count("calendar/event?eid=") >= 50
    assert weight <= MOST
