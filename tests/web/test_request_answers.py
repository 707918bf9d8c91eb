"""Answers to a quote and the end of a contract by pages: twice pressed, too long, too easily."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from example_app.database import db
from example_app.models import User
from gcal_plugin.store.tables import Request, RequestStep
from tests.servers.databases import Databases
from tests.support.portal_app import ELS, JAN, OPERATOR, PREFIX, SUPPORT, Person, portal

from .test_onboarding_pages import NEXT_MONTH, ask, rows


@pytest.fixture
def app(databases: Databases) -> Iterator[Flask]:
    with portal(databases) as made:
        yield made


def quoted(app: Flask) -> tuple[Person, Person, str]:
    """Jan before a quote, support, and the request."""
    jan, sam = Person(app, JAN, language="en"), Person(app, SUPPORT, language="en")
    request_id = ask(jan)
    sam.get(f"{PREFIX}/support/requests/{request_id}")
    sam.submit("/quote", once="0", monthly="10", vat="21", valid_until=NEXT_MONTH)
    jan.get(f"{PREFIX}/request/{request_id}")
    return jan, sam, request_id


@pytest.mark.parametrize(
    "button, thanks",
    [("/agree", "Thank you."), ("/decline", "You declined"), ("/cancel", "has been cancelled")],
)
def test_a_button_pressed_twice_is_thanked_twice_and_done_once(
    app: Flask, button: str, thanks: str
) -> None:
    jan, _, _ = quoted(app)
    page = jan.page
    jan.submit(button)
    assert thanks in jan.text
    jan.page = page
    jan.submit(button)
    assert thanks in jan.text
    assert "Somebody else" not in jan.text
    assert [step.action for step in rows(app, RequestStep)].count(button[1:]) == 1


def test_an_answer_after_another_answer_is_not_thanked_for(app: Flask) -> None:
    jan, _, _ = quoted(app)
    page = jan.page
    jan.submit("/agree")
    jan.page = page
    jan.submit("/decline")
    assert "Somebody else was just before you." in jan.text
    assert rows(app, Request)[0].state == "agreed"


@pytest.mark.parametrize("length", [4001, 8001])
def test_a_reason_that_is_too_long_is_told_at_its_field_and_stays(app: Flask, length: int) -> None:
    jan, _, _ = quoted(app)
    jan.submit("/decline", why="x" * length)
    assert jan.answer.status_code == 422
    assert "This is too long." in jan.text
    assert "x" * length in jan.page
    assert rows(app, Request)[0].state == "quoted"


def test_a_pause_with_an_endless_date_is_told(app: Flask) -> None:
    jan = Person(app, JAN, language="en")
    jan.get(f"{PREFIX}/")
    jan.post(f"{PREFIX}/pause", until="other", date="x" * 200, time="08:00")
    assert "Give the date and the time at which the pause ends." in jan.text


def ready(app: Flask) -> Person:
    """Support, looking at a request that is ready."""
    jan, sam, request_id = quoted(app)
    jan.submit("/agree")
    for button in ("/provision", "/finish"):
        sam.get(f"{PREFIX}/support/requests/{request_id}")
        sam.submit(button)
    return sam


def test_a_contract_is_not_ended_by_one_press_without_a_date(app: Flask) -> None:
    sam = ready(app)
    sam.submit("/end", ends_on="", why="Opgezegd")
    assert sam.answer.status_code == 422
    assert "Fill this in." in sam.text
    assert "Opgezegd" in sam.page
    assert rows(app, Request)[0].state == "ready"
    sam.submit("/end", ends_on="", now="yes")
    assert rows(app, Request)[0].state == "ended", sam.text


def test_a_date_counts_also_where_now_is_ticked(app: Flask) -> None:
    """Of two answers the one that can be taken back."""
    sam = ready(app)
    sam.submit("/end", ends_on=NEXT_MONTH, now="yes")
    [row] = rows(app, Request)
    assert (row.state, row.ends_at is not None) == ("ready", True)


def test_the_desk_sees_that_an_account_is_closed(app: Flask) -> None:
    sam = ready(app)
    words = "The account of this request is closed in the portal."
    assert words not in sam.text
    with app.app_context():
        db.session.execute(sa.update(User).where(User.email == JAN).values(closed=True))
        db.session.commit()
        db.session.remove()
    sam.get(sam.answer.request.path)
    assert words in sam.text


def test_each_side_reads_whose_turn_it_is_by_its_own_words(app: Flask) -> None:
    """A quote waits for its customer: "You" for him, and never "You" at the desk."""
    jan, sam, request_id = quoted(app)
    sam.get(f"{PREFIX}/support/requests/{request_id}")
    assert "Agreement You" in jan.text
    assert "Agreement Customer" in sam.text
    assert "Agreement You" not in sam.text


def test_an_extension_of_your_own_is_not_in_use_by_somebody(app: Flask) -> None:
    jan, els = Person(app, JAN, language="en"), Person(app, ELS, language="en")
    jan.get(f"{PREFIX}/request")
    els.get(f"{PREFIX}/request")
    assert "200 Winkel – you have it already" in jan.text
    assert "200 Winkel – in use by Jan Jansen" in els.text


def test_desk_and_board_are_one_press_from_where_their_people_land(app: Flask) -> None:
    for email, wanted, other in (
        (SUPPORT, f"{PREFIX}/support/", f"{PREFIX}/operator/"),
        (OPERATOR, f"{PREFIX}/operator/", f"{PREFIX}/support/"),
    ):
        somebody = Person(app, email)
        somebody.get("/")
        landed = somebody.page.partition("<main")[2]
        assert f'href="{wanted}"' in landed
        assert f'href="{other}"' not in landed


@pytest.mark.parametrize("path, code", [("/nothing-here", 404), ("/logout", 405)])
def test_an_address_that_nothing_answers_at_is_a_page_of_the_portal(
    app: Flask, path: str, code: int
) -> None:
    visitor = Person(app)
    answer = visitor.get(path)
    assert answer.status_code == code
    assert "Pagina niet gevonden" in visitor.text
    assert set(answer.allow) == ({"POST", "OPTIONS"} if code == 405 else set())
