"""The operators' board and the figures: what is wrong is shown with its reason and its retry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from gcal_plugin.ports.load import Busy, QueueState
from gcal_plugin.services import leading
from gcal_plugin.services.tallying import tally
from gcal_plugin.store.migrate import VERSION_TABLE, head
from gcal_plugin.store.queries_switching import ensure_rows
from gcal_plugin.store.tables import (
    Audit,
    Calendar,
    Forwarding,
    Grant,
    Lease,
    LedgerEntry,
    Link,
    MailOut,
    Request,
)
from tests.servers.databases import Databases
from tests.support.portal_app import (
    FEMKE,
    JAN,
    OPERATOR,
    PREFIX,
    SUPPORT,
    Person,
    portal,
    portal_at_rest,
    runtime,
)

BOARD = f"{PREFIX}/operator/"
TOKEN = "figures-token"


@pytest.fixture
def app(databases: Databases, database_kind: str) -> Iterator[Flask]:
    with portal_at_rest(databases, database_kind, GCAL_METRICS_TOKEN=TOKEN) as made:
        yield made


def link_up(
    app: Flask, extension: str, tenant_id: str = "belwinkel", **of_calendar: object
) -> UUID:
    """A linked line whose calendar was fetched just now."""
    rt = runtime(app)
    with app.app_context(), rt.store.begin() as session:
        now = rt.store.now(session)
        grant = Grant(client_id="c", subject=extension, email="a@b.example", created_at=now)
        session.add(grant)
        session.flush()
        values = {"synced_at": now, "next_sync_at": now + timedelta(minutes=1)} | of_calendar
        calendar = Calendar(grant_id=grant.id, google_id=extension, **values)
        session.add(calendar)
        session.flush()
        link = Link(
            tenant_id=tenant_id, account_id="1", pbx="main", domain="fabriek.example",
            extension=extension, state="linked", grant_id=grant.id, calendar_id=calendar.id,
            created_at=now, linked_at=now,
        )  # fmt: skip
        session.add(link)
        session.flush()
        ensure_rows(session, [link.id])
        return link.id


def change(app: Flask, table: type[Link] | type[Forwarding], key: UUID, **values: object) -> None:
    rt = runtime(app)
    column = Forwarding.link_id if table is Forwarding else Link.id
    with app.app_context(), rt.store.begin() as session:
        session.execute(sa.update(table).where(column == key).values(**values))


def ago(**period: float) -> datetime:
    return datetime.now(UTC) - timedelta(**period)


def switches(app: Flask, link_id: UUID, *late: float) -> None:
    rt = runtime(app)
    with app.app_context(), rt.store.begin() as session:
        now = rt.store.now(session)
        session.add_all(
            LedgerEntry(
                link_id=link_id, tenant_id="belwinkel", pbx="main", due_at=now, cause="edge",
                revision=1, sent_at=now, answered_at=now + timedelta(milliseconds=20),
                seconds_late=seconds, outcome="done",
            )
            for seconds in late
        )  # fmt: skip


NAMES = ("gcal-switch", "gcal-sync", "gcal-care", "gcal-mail")


def machinery(app: Flask, states: list[QueueState] | None, *, beats: bool = True) -> None:
    """A clock that has just beaten, or none for a minute; the queues as they are given."""
    rt = runtime(app)
    rt.extras["queue_states"] = lambda: states
    with app.app_context():
        leading.lead(rt, "clock", "somebody")
        if not beats:
            with rt.store.begin() as session:
                session.execute(sa.update(Lease).values(beat_at=ago(minutes=1)))


def test_where_nothing_is_wrong_the_board_says_so(app: Flask) -> None:
    machinery(app, [QueueState(name, 0, 0.0, 0, 1) for name in NAMES])
    link_up(app, "700")
    operator = Person(app, OPERATOR)
    operator.get(BOARD)
    assert operator.answer.status_code == 200
    assert 'name="wrong"' not in operator.page
    assert "g-tone-live" in operator.page


def test_what_stands_still_is_told_before_anything_else(app: Flask) -> None:
    """A silent clock leaves every line as it was: green would be a lie."""
    operator = Person(app, OPERATOR, language="en")
    machinery(app, [QueueState(name, 0, 0.0, 0, 1) for name in NAMES], beats=False)
    operator.get(BOARD)
    assert "No clock runs: nothing starts and nothing ends." in operator.text
    assert "g-tone-live" not in operator.page
    machinery(app, None)
    operator.get(BOARD)
    assert "No clock runs" not in operator.text
    assert "The queue's server does not answer." in operator.text
    assert "g-tone-live" not in operator.page
    machinery(app, [QueueState(name, 0, 0.0, 0, int(name != "gcal-switch")) for name in NAMES])
    operator.get(BOARD)
    assert "Nobody serves these queues: Forwards." in operator.text
    assert "g-tone-live" not in operator.page


def test_long_work_says_how_far_it_is(app: Flask) -> None:
    busy = {"gcal-care": Busy("purge", 15_000)}
    machinery(app, [QueueState(name, 0, 0.0, 0, 1, busy.get(name)) for name in NAMES])
    operator = Person(app, OPERATOR, language="en")
    operator.get(BOARD)
    assert operator.text.count("rows so far") == 1
    assert "Forgets what is over: 15000 rows so far" in operator.text


def test_each_wrong_thing_is_a_row_with_its_reason(app: Flask) -> None:
    change(app, Link, link_up(app, "701"), broken_at=ago(hours=1), broken_reason="gone")
    change(app, Forwarding, link_up(app, "702"), last_error="423 locked", failures=2)
    change(app, Forwarding, link_up(app, "703"), last_error="no answer", generation=5, settled=4)
    change(app, Forwarding, link_up(app, "704"), quarantined_at=ago(minutes=2), last_error="Bad: x")
    change(app, Forwarding, link_up(app, "705"), contested_at=ago(minutes=2))
    change(app, Forwarding, link_up(app, "706"), due_at=ago(minutes=3), due_cause="edge")
    link_up(app, "707", synced_at=ago(hours=2), failures=3, last_error="backendError")
    rt = runtime(app)
    with app.app_context(), rt.store.begin() as session:
        old = ago(days=3)
        session.add(
            MailOut(
                key="k", tenant_id="belwinkel", kind="quote", recipient="wie@klant.example",
                state="failed", tries=3, created_at=old, last_error="550 <wie@klant.example> gone",
            )
        )  # fmt: skip
        session.add(
            Request(
                tenant_id="havenstem", account_id="5", account_email="wie@klant.example",
                customer_code="K", customer_name="K", domain="k.example", extension="709",
                state="agreed", created_at=old, changed_at=old,
            )
        )  # fmt: skip
    operator = Person(app, OPERATOR)
    operator.get(BOARD)
    kinds = re.findall(r'name="wrong" value="([a-z]+)"', operator.page)
    assert sorted(kinds) == sorted(
        ["broken", "contested", "mail", "overdue", "quarantined", "refused", "request", "stale",
         "unverified"]
    )  # fmt: skip
    for words in ("423 locked", "no answer", "Bad: x", "backendError", "709"):
        assert words in operator.page
    assert "wie@klant.example" not in operator.page
    operator.get(f"{BOARD}?tenant=havenstem")
    assert re.findall(r'name="wrong" value="([a-z]+)"', operator.page) == ["request"]


def test_a_retry_makes_the_line_due_and_is_in_the_audit(app: Flask) -> None:
    link_id = link_up(app, "702")
    change(app, Forwarding, link_id, last_error="423 locked", failures=5, due_at=None)
    operator = Person(app, OPERATOR)
    operator.get(BOARD)
    operator.post(BOARD, wrong="refused", key=str(link_id))
    assert operator.answer.status_code == 200
    rt = runtime(app)
    with app.app_context(), rt.store.begin() as session:
        row = session.get_one(Forwarding, link_id)
        assert row.due_at is not None
        assert (row.failures, row.due_cause) == (0, "repair")
        told = session.scalars(sa.select(Audit).where(Audit.action == "retry")).one()
        assert (told.subject, told.actor[:9]) == (f"link:{link_id}", "operator:")


def test_a_retry_wants_the_token_and_a_known_thing(app: Flask) -> None:
    link_id = link_up(app, "702")
    change(app, Forwarding, link_id, last_error="423 locked", due_at=None)
    operator = Person(app, OPERATOR)
    operator.get(BOARD)
    assert operator.post(BOARD, wrong="nonsense", key=str(link_id)).status_code == 404
    operator.get(BOARD)
    assert operator.post(BOARD, wrong="refused", key="17").status_code == 404
    operator.get(BOARD)
    answer = operator.post(BOARD, wrong="refused", key=str(link_id), csrf_token="forged")
    assert answer.status_code == 400
    rt = runtime(app)
    with app.app_context(), rt.store.begin() as session:
        assert session.get_one(Forwarding, link_id).due_at is None


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("email", [JAN, SUPPORT, FEMKE])
def test_nobody_else_knows_of_the_board(app: Flask, email: str) -> None:
    person = Person(app, email)
    assert person.get(BOARD).status_code == 404
    assert person.post(BOARD, wrong="refused", key="1").status_code == 404


def test_the_ledger_is_counted_once_and_shown(app: Flask) -> None:
    link_id = link_up(app, "700")
    switches(app, link_id, 0.04, 0.04, 0.04, 90.0)
    rt = runtime(app)
    with app.app_context():
        tally(rt)  # sees how far the ledger reaches
        assert tally(rt) == 4
        assert tally(rt) == 0
    switches(app, link_id, 0.04)
    with app.app_context():
        tally(rt)
        assert tally(rt) == 1
    figures = {
        sample.name + str(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics(app))
        for sample in family.samples
    }
    labels = "[('pbx', 'main'), ('tenant', 'belwinkel')]"
    assert figures[f"gcal_switch_lateness_seconds_count{labels}"] == 5
    assert figures[f"gcal_push_duration_seconds_count{labels}"] == 5
    below = "[('le', '0.05'), ('pbx', 'main'), ('tenant', 'belwinkel')]"
    assert figures[f"gcal_switch_lateness_seconds_bucket{below}"] == 4
    operator = Person(app, OPERATOR)
    operator.get(BOARD)
    assert "g-bars-bad" in operator.page  # the one that was a minute and a half late


def metrics(app: Flask, token: str = TOKEN) -> str:
    client = app.test_client()
    answer = client.get(f"{PREFIX}/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_figures_want_the_bearer(app: Flask) -> None:
    client = app.test_client()
    assert client.get(f"{PREFIX}/metrics").status_code == 404
    wrong = {"Authorization": "Bearer other"}
    assert client.get(f"{PREFIX}/metrics", headers=wrong).status_code == 404
    assert "gcal_build_info" in metrics(app)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_without_a_token_there_is_no_such_page(databases: Databases, database_kind: str) -> None:
    with portal(databases) as app:
        answer = app.test_client().get(f"{PREFIX}/metrics", headers={"Authorization": "Bearer "})
        assert answer.status_code == 404


def test_figures_name_no_person_and_no_number(app: Flask) -> None:
    change(app, Link, link_up(app, "701"), broken_at=ago(hours=1), broken_reason="gone")
    text = metrics(app)
    assert 'gcal_links_broken{pbx="main",reason="gone",tenant="belwinkel"} 1.0' in text
    for secret in ("fabriek", "701", "a@b.example"):
        assert secret not in text


def test_the_number_of_queries_does_not_grow_with_the_links(app: Flask) -> None:
    def queries() -> int:
        seen: list[str] = []
        with app.app_context():
            engine = runtime(app).store.engine

            def note(*values: object) -> None:
                seen.append(str(values[2]))

            sa.event.listen(engine, "before_cursor_execute", note)
            operator.get(BOARD)
            sa.event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    operator = Person(app, OPERATOR)
    before = queries()
    for place in range(20):
        change(app, Forwarding, link_up(app, f"8{place:02d}"), last_error="423 locked", failures=2)
    assert queries() == before


def test_ready_tells_each_neighbour(app: Flask) -> None:
    answer = app.test_client().get(f"{PREFIX}/readyz")
    # These tables were made without a revision; nothing listens where the queue should be.
    assert answer.json == {
        "status": "unavailable", "database": True, "migrations": False, "queue": False,
        "clock": False,
    }  # fmt: skip
    assert answer.status_code == 503
    assert app.test_client().get(f"{PREFIX}/healthz").json == {"status": "ok"}


def test_ready_goes_on_while_the_tables_are_ahead(app: Flask) -> None:
    with app.app_context():
        engine = runtime(app).store.engine
    answers = []
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32))"))
        connection.execute(sa.text(f"INSERT INTO {VERSION_TABLE} VALUES ('0001')"))
    for held in ("0001", head(), "9999"):
        with engine.begin() as connection:
            connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '{held}'"))
        answer = app.test_client().get(f"{PREFIX}/readyz")
        answers.append((answer.status_code, answer.get_json()["migrations"]))
    assert answers == [(503, False), (200, True), (200, True)]
