"""The board counts everything, shown or not; and what nobody can mend can be set aside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from gcal_plugin.services.reporting import BoardView, Wrong, board
from gcal_plugin.services.reporting.board import SHOWN
from gcal_plugin.services.signals import gather
from gcal_plugin.store.queries_switching import ensure_rows
from gcal_plugin.store.tables import Audit, Forwarding, Link, MailOut, Request
from tests.servers.databases import Databases
from tests.support.portal_app import JAN, OPERATOR, PREFIX, SUPPORT, Person, portal_at_rest, runtime

BOARD = f"{PREFIX}/operator/"
DESK = f"{PREFIX}/support/mails"
MANY = SHOWN + 40
OLD = datetime.now(UTC) - timedelta(days=60)


@pytest.fixture
def app(databases: Databases, database_kind: str) -> Iterator[Flask]:
    with portal_at_rest(databases, database_kind) as made:
        yield made


def letters(app: Flask, count: int, tenant_id: str = "belwinkel", state: str = "failed") -> None:
    rows = [
        {
            "key": f"{tenant_id}-{state}-{place}",
            "kind": "link_broken",
            "tenant_id": tenant_id,
            "recipient": "weg@klant.example",
            "state": state,
            "tries": 1,
            "created_at": OLD,
            "last_error": "550 no such user",
        }
        for place in range(count)
    ]
    with app.app_context(), runtime(app).store.begin() as session:
        session.execute(sa.insert(MailOut), rows)


def lines(app: Flask, count: int, **values: object) -> None:
    with app.app_context(), runtime(app).store.begin() as session:
        made = [
            Link(
                tenant_id="belwinkel", account_id="1", pbx="main", domain="fabriek.example",
                extension=str(7000 + place), state="linked", created_at=OLD, linked_at=OLD,
            )
            for place in range(count)
        ]  # fmt: skip
        session.add_all(made)
        session.flush()
        ids = [link.id for link in made]
        ensure_rows(session, ids)
        session.execute(sa.update(Forwarding).where(Forwarding.link_id.in_(ids)).values(**values))


def seen(app: Flask, **narrow: str) -> BoardView:
    with app.app_context():
        return board(runtime(app), **narrow)


def test_more_letters_and_requests_than_are_shown_are_counted(app: Flask) -> None:
    letters(app, MANY)
    letters(app, 3, "havenstem")
    letters(app, 2, state="sent")
    with app.app_context(), runtime(app).store.begin() as session:
        session.add_all(
            Request(
                tenant_id="belwinkel", account_id="5", account_email="wie@klant.example",
                customer_code="K", customer_name="K", domain="k.example",
                extension=str(7000 + place), state="agreed", created_at=OLD, changed_at=OLD,
            )
            for place in range(MANY)
        )  # fmt: skip
    view = seen(app)
    assert (view.counts[Wrong.MAIL], view.counts[Wrong.REQUEST]) == (MANY + 3, MANY)
    assert sum(row.wrong is Wrong.MAIL for row in view.rows) == SHOWN
    assert view.counts[Wrong.MAIL] == view.signals.mails["failed"]
    assert view.counts[Wrong.REQUEST] == view.signals.stuck_requests
    assert seen(app, tenant_id="havenstem").counts[Wrong.MAIL] == 3
    of_exchange = seen(app, pbx="main")  # a letter and a request are on no exchange
    assert (of_exchange.counts[Wrong.MAIL], of_exchange.counts[Wrong.REQUEST]) == (0, 0)


def test_more_unverified_lines_than_are_shown_are_counted(app: Flask) -> None:
    before = seen(app).counts
    assert (before[Wrong.UNVERIFIED], before[Wrong.REFUSED]) == (0, 0)
    lines(app, MANY, last_error="no answer", generation=5, settled=4)
    view = seen(app)
    assert (view.counts[Wrong.UNVERIFIED], view.counts[Wrong.REFUSED]) == (MANY, 0)
    (tenant,) = (one for one in view.tenants if one.total)
    assert tenant.wrong == {Wrong.UNVERIFIED: MANY}


def test_a_line_that_is_held_back_says_so_and_since_when(app: Flask) -> None:
    now = datetime.now(UTC)
    lines(app, 1, due_at=now + timedelta(seconds=20), asked_at=now - timedelta(minutes=4))
    (row,) = seen(app).rows
    assert (row.wrong, row.reason) == (Wrong.OVERDUE, "held_back")
    assert row.since == now - timedelta(minutes=4)
    operator = Person(app, OPERATOR, language="nl")
    operator.get(BOARD)
    assert "De telefooncentrale antwoordt niet; minstens" in operator.text


def failing(app: Flask) -> dict[str, int]:
    with app.app_context():
        return gather(runtime(app)).mails


def told(app: Flask) -> list[tuple[str, str]]:
    with app.app_context(), runtime(app).store.begin() as session:
        rows = session.scalars(sa.select(Audit).where(Audit.action == "mail_set_aside"))
        return [(row.subject.partition(":")[0], row.actor.partition(":")[0]) for row in rows]


def test_an_operator_sets_a_dead_letter_aside(app: Flask) -> None:
    """Else its alarm would go on until the letter is purged, and nobody could end it."""
    letters(app, 1)
    operator = Person(app, OPERATOR, language="nl")
    operator.get(BOARD)
    key = re.search(r'name="key" value="(\d+)"', operator.page)
    assert key is not None
    assert "Terzijde leggen" in operator.text
    operator.post(BOARD, wrong="mail", key=key[1], aside="1")
    assert operator.answer.status_code == 200
    assert 'name="wrong"' not in operator.page
    assert failing(app) == {"failed": 0, "retrying": 0, "waiting": 0}
    assert told(app) == [("mail", "operator")]
    assert operator.post(BOARD, wrong="mail", key=key[1], aside="1").status_code == 404


def test_the_desk_sets_its_own_tenants_letter_aside(app: Flask) -> None:
    letters(app, 1)
    letters(app, 1, "havenstem")
    desk = Person(app, SUPPORT)
    desk.get(DESK)
    (key,) = re.findall(r'name="mail" value="(\d+)"', desk.page)
    with app.app_context(), runtime(app).store.begin() as session:
        query = sa.select(MailOut.id).where(MailOut.tenant_id == "havenstem")
        others = session.scalar(query)
    assert desk.post(DESK, mail=str(others), aside="1").status_code == 404
    desk.get(DESK)
    desk.post(DESK, mail=key, aside="1")
    assert 'name="mail"' not in desk.page
    assert failing(app)["failed"] == 1
    assert len(told(app)) == 1


def test_only_a_letter_that_failed_can_be_set_aside(app: Flask) -> None:
    lines(app, 1, last_error="423 locked")
    operator = Person(app, OPERATOR)
    operator.get(BOARD)
    key = re.search(r'name="key" value="([0-9a-f-]{36})"', operator.page)
    assert key is not None
    assert operator.post(BOARD, wrong="refused", key=key[1], aside="1").status_code == 404
    letters(app, 1, state="sent")
    with app.app_context(), runtime(app).store.begin() as session:
        sent = session.scalar(sa.select(MailOut.id).where(MailOut.state == "sent"))
    operator.get(BOARD)
    assert operator.post(BOARD, wrong="mail", key=str(sent), aside="1").status_code == 404
    assert told(app) == []
    stranger = Person(app, JAN)
    assert stranger.post(BOARD, wrong="mail", key=str(sent), aside="1").status_code == 404
