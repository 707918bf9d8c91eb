"""Support asks "why not, Saturday 03:00?": what did we know, and when did we learn it?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from gcal_plugin.services import linking
from gcal_plugin.services.explaining import UnknownLink, explain_at
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.store.tables import Calendar, Grant, LedgerEntry, Link, WindowRow
from gcal_plugin.store.tables.base import new_id
from tests.support.portal import JAN

HOUR = timedelta(hours=1)
NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 48 * HOUR


@pytest.fixture
def link_id(rt: Runtime) -> UUID:
    key = linking.provision_link(
        rt,
        tenant_id="bel",
        account_id=JAN.id,
        domain=JAN.domain,
        extension="200",
        actor="system",
    )
    with rt.store.begin() as session:
        grant = Grant(client_id="c", subject="s", email="jan@x.example", created_at=NOON)
        session.add(grant)
        session.flush()
        calendar = Calendar(grant_id=grant.id, google_id="rota", synced_at=rt.store.now(session))
        session.add(calendar)
        session.flush()
        session.execute(
            sa.update(Link)
            .where(Link.id == key)
            .values(state="linked", grant_id=grant.id, calendar_id=calendar.id)
        )
    return key


def window(
    rt: Runtime,
    value: str,
    start: datetime,
    received: datetime,
    *,
    event: str = "e1",
    replaced: datetime | None = None,
) -> None:
    with rt.store.begin() as session:
        session.add(
            WindowRow(
                calendar_id=session.scalars(sa.select(Calendar.id)).one(),
                event_id=event,
                start_at=start,
                end_at=start + HOUR,
                kind="number",
                value=value,
                received_at=received,
                replaced_at=replaced,
            )
        )


def active(rt: Runtime, link_id: UUID, at: datetime) -> list[str]:
    return [one["value"] for one in explain_at(rt, link_id, at)["active"]]


def test_the_past_counts_as_we_knew_it_then(rt: Runtime, link_id: UUID) -> None:
    changed = NOON + HOUR / 2
    window(rt, "+31611111111", NOON, NOON - HOUR, replaced=changed)
    window(rt, "+31622222222", NOON, changed)
    assert active(rt, link_id, NOON + HOUR / 4) == ["+31611111111"]
    assert active(rt, link_id, NOON + HOUR * 3 / 4) == ["+31622222222"]


def test_an_event_that_came_too_late_is_told_with_its_receipt(rt: Runtime, link_id: UUID) -> None:
    window(rt, "+31611111111", NOON, NOON + 5 * HOUR)
    answer = explain_at(rt, link_id, NOON)
    (event,) = answer["events"]
    assert datetime.fromisoformat(event["received"]) == NOON + 5 * HOUR
    assert [one["value"] for one in answer["active"]] == ["+31611111111"]


def test_an_event_deleted_before_the_instant_does_not_count(rt: Runtime, link_id: UUID) -> None:
    window(rt, "+31611111111", NOON, NOON - 3 * HOUR, replaced=NOON - HOUR)
    assert active(rt, link_id, NOON) == []


def test_the_next_edge_is_told_however_far_it_is(rt: Runtime, link_id: UUID) -> None:
    start = NOON + 20 * 24 * HOUR
    window(rt, "+31611111111", start, NOON)
    answer = explain_at(rt, link_id, NOON)
    assert datetime.fromisoformat(answer["next_edge"]) == start
    assert answer["events"] == []


def test_times_carry_the_tenants_offset(rt: Runtime, link_id: UUID) -> None:
    window(rt, "+31611111111", NOON, NOON)
    (event,) = explain_at(rt, link_id, NOON)["events"]
    assert datetime.fromisoformat(event["start"]).utcoffset() in (HOUR, 2 * HOUR)


def test_what_was_sent_then_is_told_with_its_cause_and_its_rules(
    rt: Runtime, link_id: UUID
) -> None:
    """The windows say what should have been; a pause of that day shows in what was sent."""
    window(rt, "+31611111111", NOON, NOON - HOUR)
    sent = [["number", "+31611111111"]]
    for at, cause, destinations in [
        (NOON - 200 * HOUR, "change", sent),
        (NOON - 100 * HOUR, "edge", []),
        (NOON, "edge", sent),
        (NOON + HOUR / 2, "pause", []),
        (NOON + 90 * HOUR, "edge", sent),
    ]:
        with rt.store.begin() as session:
            session.add(
                LedgerEntry(
                    link_id=link_id, tenant_id="bel", pbx="main", due_at=at, cause=cause,
                    revision=1, destinations=destinations, answered_at=at, outcome="done",
                    policy_version="abc",
                )
            )  # fmt: skip
    told = explain_at(rt, link_id, NOON + HOUR * 3 / 4)["switches"]
    assert [(one["cause"], one["active"]) for one in told] == [
        ("edge", []),
        ("edge", [{"kind": "number", "value": "+31611111111"}]),
        ("pause", []),
    ]
    assert datetime.fromisoformat(told[2]["at"]) == NOON + HOUR / 2
    assert (told[2]["outcome"], told[2]["policy"]) == ("done", "abc")


def test_the_answer_reaches_back_ninety_days(rt: Runtime, link_id: UUID) -> None:
    long_ago = NOON - timedelta(days=86)
    window(rt, "+31611111111", long_ago, long_ago - HOUR, replaced=long_ago + 5 * HOUR)
    answer = explain_at(rt, link_id, long_ago + HOUR / 2)
    assert [one["value"] for one in answer["active"]] == ["+31611111111"]
    assert datetime.fromisoformat(answer["next_edge"]) == long_ago + HOUR


def test_an_unknown_link_is_told(rt: Runtime) -> None:
    with pytest.raises(UnknownLink):
        explain_at(rt, new_id())
