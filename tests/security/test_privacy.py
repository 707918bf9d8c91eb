"""What is stored of a person, searched in the whole database; exported, and erased."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gcal_plugin.domain.link_state import LinkState
from gcal_plugin.domain.request_state import RequestState
from gcal_plugin.ports import TelephonyError, Temporary
from gcal_plugin.services import grant_tokens, guarding, outbox
from gcal_plugin.services.linking import provision_link
from gcal_plugin.services.privacy import erase_account, export_account
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.store.tables import (
    Activity,
    Base,
    Calendar,
    Forwarding,
    Grant,
    LedgerEntry,
    Link,
    Request,
    RequestStep,
    WindowRow,
)
from gcal_plugin.telephony.memory import MemoryTelephony
from tests.servers.databases import Databases
from tests.support.portal import ANNA, JAN
from tests.support.runtime import make_app, make_runtime, make_schema

PLANTED = "zx-planted-zx"
TOKEN = "1//canary-refresh-token"


class NoGoogle:
    """Google's side of revoking: notes what it was asked to forget."""

    def __init__(self) -> None:
        self.revoked: list[str] = []

    def revoke(self, _client: object, token: str) -> bool:
        self.revoked.append(token)
        return True


@pytest.fixture
def rt(database_kind: str, databases: Databases) -> Iterator[Runtime]:
    with databases.fresh(database_kind, key="schema", prepare=make_schema) as url:
        app, db = make_app(url)
        with app.app_context():
            made = make_runtime(db)
            google: Any = NoGoogle()
            portal: Any = made.portal
            portal.people["jan"] = replace(
                JAN, name=PLANTED, email=f"jan@{PLANTED}.example", customer_name=PLANTED
            )
            yield replace(made, oauth=google)
            db.session.remove()
            db.engine.dispose()


def everything(rt: Runtime) -> str:
    """Every value of every row of every table."""
    with rt.store.begin() as session:
        return "\n".join(
            f"{table.name}: {json.dumps([str(value) for value in row])}"
            for table in Base.metadata.sorted_tables
            for row in session.execute(sa.select(table))
        )


def live(rt: Runtime) -> None:
    """Jan has used everything that stores something."""
    link_id = provision_link(
        rt, tenant_id="bel", account_id="jan", domain=JAN.domain, extension="200",
        actor="support:desk",
    )  # fmt: skip
    with rt.store.begin() as session:
        now = rt.store.now(session)
        grant = Grant(
            client_id=rt.settings.google_client_id, subject="1234", scopes=[], created_at=now,
            email=f"{PLANTED}@gmail.example",
        )  # fmt: skip
        session.add(grant)
        session.flush()
        grant_tokens.put_refresh_token(rt.store.keyring, grant, TOKEN)
        calendar = Calendar(grant_id=grant.id, google_id=f"{PLANTED}@group", name=PLANTED)
        session.add(calendar)
        session.flush()
        link = session.get_one(Link, link_id)
        link.grant_id, link.calendar_id, link.state = grant.id, calendar.id, LinkState.LINKED.value
        link.second_contact = f"baas@{PLANTED}.example"
        session.add(
            WindowRow(
                calendar_id=calendar.id, event_id=PLANTED, start_at=now,
                end_at=now + timedelta(hours=1), kind="number", value="+31612345678",
                received_at=now,
            )
        )  # fmt: skip
        session.add(
            LedgerEntry(
                link_id=link_id, tenant_id="bel", pbx="main", due_at=now, cause="edge", revision=1,
                outcome="done", event_ids=[PLANTED],
            )
        )  # fmt: skip
        session.add(
            Activity(
                link_id=link_id, tenant_id="bel", at=now, what="forward_set",
                actor="customer:jan", detail={"event": PLANTED},
            )
        )  # fmt: skip
        request = Request(
            tenant_id="bel", account_id="jan", account_email=f"jan@{PLANTED}.example",
            customer_code="K", customer_name=PLANTED, domain=JAN.domain, extension="200",
            remarks=PLANTED, note=PLANTED, state=RequestState.LINKED.value, link_id=link_id,
            created_at=now, changed_at=now,
        )  # fmt: skip
        session.add(request)
        session.flush()
        session.add(
            RequestStep(
                request_id=request.id, at=now, actor="customer:jan", action="decline",
                state="declined", detail={"why": PLANTED},
            )
        )  # fmt: skip
        outbox.queue(
            session, key=f"k-{request.id}", kind="note", tenant_id="bel",
            recipient=f"jan@{PLANTED}.example", now=now, request_id=request.id, note=PLANTED,
        )  # fmt: skip
        guarding.audit(session, "customer:jan", "connect", f"link:{link_id}", "bel")


def test_erasing_leaves_nothing_of_a_person_in_the_whole_database(rt: Runtime) -> None:
    live(rt)
    assert everything(rt).count(PLANTED) > 10
    counts = erase_account(rt, "bel", "jan", actor="operator:cli")
    assert counts["pending"] == 0
    left = everything(rt)
    assert PLANTED not in left
    assert TOKEN not in left
    for table in ("gcal_link:", "gcal_grant:", "gcal_request:", "gcal_ledger:", "gcal_window:"):
        assert table not in left
    # The audit tells that it happened, by ids alone.
    assert "privacy_erase" in left
    assert "customer:jan" in left
    oauth: Any = rt.oauth
    assert oauth.revoked == [TOKEN]


def test_erasing_one_person_leaves_the_others(rt: Runtime) -> None:
    live(rt)
    other = provision_link(
        rt, tenant_id="bel", account_id="anna", domain=ANNA.domain, extension="201", actor="system"
    )
    with rt.store.begin() as session:
        session.get_one(Link, other).second_contact = f"JAN@{PLANTED}.example"
    erase_account(rt, "ander", "jan", actor="operator:cli")
    assert everything(rt).count(PLANTED) > 10, "an account of another tenant was erased"
    erase_account(rt, "bel", "jan", actor="operator:cli")
    with rt.store.begin() as session:
        [kept] = session.scalars(sa.select(Link)).all()
        assert (kept.id, kept.second_contact) == (other, None)
    assert erase_account(rt, "bel", "jan", actor="operator:cli")["gcal_link"] == 0


def test_a_forward_that_cannot_be_cleared_yet_keeps_its_line_until_it_is(rt: Runtime) -> None:
    live(rt)
    exchange = rt.telephony["main"]
    assert isinstance(exchange, MemoryTelephony)

    class Away(MemoryTelephony):
        def replace(self, *_: Any, **__: Any) -> Any:
            raise Temporary("away")

        replace_many = replace_plan = read = replace

    away = replace(rt, telephony={"main": Away("main")})
    counts = erase_account(away, "bel", "jan", actor="operator:cli")
    assert counts["pending"] == 1
    with rt.store.begin() as session:
        assert len(session.scalars(sa.select(Forwarding)).all()) == 1
    assert issubclass(Temporary, TelephonyError)
    with rt.store.begin() as session:
        session.execute(
            sa.update(Forwarding).values(lease_until=None, due_at=rt.store.now(session))
        )
    assert erase_account(rt, "bel", "jan", actor="operator:cli")["pending"] == 0
    assert PLANTED not in everything(rt)


def test_the_export_holds_everything_about_a_person_and_no_token(rt: Runtime) -> None:
    live(rt)
    found = export_account(rt, "bel", "jan")
    text = json.dumps(found)
    assert {name for name, rows in found.items() if rows} == {
        "gcal_request_step", "gcal_mail_out", "gcal_request", "gcal_activity", "gcal_ledger",
        "gcal_forwarding", "gcal_window", "gcal_calendar", "gcal_grant", "gcal_link",
    }  # fmt: skip
    assert text.count(PLANTED) == sum(
        line.count(PLANTED) for line in everything(rt).splitlines()
    ), "the database holds more of this person than the export tells"
    assert TOKEN not in text
    assert "v1." not in text
    assert export_account(rt, "ander", "jan") == {name: [] for name in found}


def test_every_table_is_either_exported_or_known_to_hold_no_person(rt: Runtime) -> None:
    exported = set(export_account(rt, "bel", "jan"))
    impersonal = {
        "gcal_audit",  # opaque ids only
        "gcal_blocked_number",  # a number whose owner asked for it, not of a customer
        "gcal_lease",
        "gcal_price_template",
        "gcal_security_event",  # message ids only
        "gcal_tenant_state",
        "gcal_channel",  # goes with its calendar
        "gcal_leftover",  # a line, until its exchange is clear
        "gcal_tally",  # counts per tenant and day
        "gcal_tally_mark",
    }
    assert {table.name for table in Base.metadata.sorted_tables} == exported | impersonal
