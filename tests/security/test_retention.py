"""What is kept is kept for as long as was promised, and then it is nowhere any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from gcal_plugin.services import purging
from gcal_plugin.services.purging import purge
from gcal_plugin.store.tables import (
    Activity,
    Attempt,
    Base,
    Consent,
    LedgerEntry,
    MailOut,
    SecurityEvent,
    WindowRow,
)
from tests.servers.databases import Databases
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, MovedClock, World, make_world, minutes
from tests.support.runtime import make_schema

OLD, NEW = "zxoldzx", "zxnewzx"
DAYS = 30


@pytest.fixture
def world(database_kind: str, databases: Databases) -> Iterator[World]:
    clock = MovedClock()
    with (
        databases.fresh(database_kind, key="schema", prepare=make_schema) as url,
        make_world(
            url, {"main": Exchange("main", clock=clock)}, clock=clock, history_days=DAYS
        ) as made,
    ):
        yield made


def everything(world: World) -> dict[str, str]:
    """Every value of every row, by table."""
    with world.rt.store.begin() as session:
        return {
            table.name: "\n".join(
                " ".join(str(value) for value in row) for row in session.execute(sa.select(table))
            )
            for table in Base.metadata.sorted_tables
        }


def leave(world: World, mark: str, at: datetime) -> set[str]:
    """A mark in every table that forgets, as if it happened at `at`; answers the tables."""
    extension = "200" if mark == OLD else "201"
    link = world.link(extension)
    consent_link = link
    with world.rt.store.begin() as session:
        rows = [
            LedgerEntry(
                link_id=link, tenant_id="bel", pbx="main", due_at=at, cause="edge", revision=1,
                outcome="done", event_ids=[mark],
            ),
            Activity(
                link_id=link, tenant_id="bel", at=at, what="forward_set", actor="system",
                detail={"event": mark},
            ),
            WindowRow(
                calendar_id=world.calendars[link], event_id=mark, start_at=at - minutes(60),
                end_at=at, kind="number", value=JAN, received_at=at,
            ),
            MailOut(
                key=mark, tenant_id="bel", kind="note", recipient=f"{mark}@x.example",
                values={"note": mark}, state="sent", created_at=at,
            ),
            SecurityEvent(jti=mark, kind="x", received_at=at, outcome="done"),
            Attempt(
                state_digest=mark, session_digest="x", tenant_id="bel", account_id="jan",
                link_id=link, client_id="c", redirect_uri="x", secrets=mark, created_at=at,
                expires_at=at + minutes(15),
            ),
            Consent(
                link_id=consent_link, account_id="jan", session_digest="x", client_id="c",
                subject="s", email=f"{mark}@x.example", refresh_token=mark, access_token=mark,
                access_expires_at=at, created_at=at, expires_at=at + minutes(15),
            ),
        ]  # fmt: skip
        session.add_all(rows)
        return {str(row.__tablename__) for row in rows}


def test_what_is_over_goes_and_what_is_not_stays(world: World) -> None:
    now = world.clock.at
    tables = leave(world, OLD, now - timedelta(days=DAYS, minutes=1))
    leave(world, NEW, now - timedelta(minutes=5))
    assert {name for name, text in everything(world).items() if OLD in text} == tables
    assert purge(world.rt) == len(tables)
    left = everything(world)
    assert [name for name, text in left.items() if OLD in text] == []
    assert {name for name, text in left.items() if NEW in text} == tables
    world.clock.at = now + timedelta(days=DAYS)
    purge(world.rt)
    assert [name for name, text in everything(world).items() if NEW in text] == []


def test_a_letter_that_still_waits_is_not_forgotten(world: World) -> None:
    with world.rt.store.begin() as session:
        for state in ("waiting", "sending", "sent", "failed", "cancelled"):
            session.add(
                MailOut(
                    key=state, tenant_id="bel", kind="note", recipient="a@b.example", state=state,
                    created_at=world.clock.at - timedelta(days=DAYS * 2),
                )
            )  # fmt: skip
    purge(world.rt)
    with world.rt.store.begin() as session:
        assert set(session.scalars(sa.select(MailOut.state))) == {"waiting", "sending"}


def test_it_goes_on_portion_by_portion(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "PORTION", 3)
    with world.rt.store.begin() as session:
        for number in range(10):
            at = world.clock.at - timedelta(days=DAYS + 1)
            session.add(SecurityEvent(jti=str(number), kind="x", received_at=at, outcome="done"))
    assert purge(world.rt) == 10
