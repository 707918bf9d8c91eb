"""A customer moves to another exchange: the new set before the old is cleared, and resumable."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from gcal_plugin.domain.destination import Destination
from gcal_plugin.ports import ForeignForward, Temporary
from gcal_plugin.ports.telephony import Applied, Line, PlanWindow
from gcal_plugin.services import checking, linking, moving
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.store.tables import Forwarding, Leftover, Link
from gcal_plugin.telephony.memory import MemoryTelephony
from gcal_plugin.telephony.pull import PullTelephony
from tests.support.portal import JAN

OURS = Destination.parse("+31612345678")
OLD = Line(JAN.domain, "200")


class Stubborn(MemoryTelephony):
    """An exchange that answers nothing while `away`."""

    away = False

    def read(self, line: Line) -> Applied:
        if self.away:
            raise Temporary("no answer")
        return super().read(line)


@pytest.fixture
def two(rt: Runtime) -> Runtime:
    return replace(rt, telephony={"main": Stubborn("main"), "new": Stubborn("new")})


@pytest.fixture
def link_id(two: Runtime) -> UUID:
    key = linking.provision_link(
        two,
        tenant_id="bel",
        account_id=JAN.id,
        domain=JAN.domain,
        extension="200",
        actor="system",
    )
    two.telephony["main"].replace(OLD, frozenset({OURS}), revision=4)
    with two.store.begin() as session:
        session.execute(
            sa.update(Forwarding)
            .where(Forwarding.link_id == key)
            .values(observed=[["number", OURS.value]], desired=[["number", OURS.value]], revision=4)
        )
    return key


def plan(rt: Runtime, **changes: object) -> list[moving.Move]:
    return moving.plan_move(rt, tenant_id="bel", domain=JAN.domain, **changes)  # type: ignore[arg-type]


def test_the_new_line_rings_before_the_old_one_is_cleared(two: Runtime, link_id: UUID) -> None:
    (move,) = plan(two, to_pbx="new")
    assert moving.carry_out(two, move) == moving.Moved(move)
    assert two.telephony["new"].read(OLD).destinations == {OURS}
    assert two.telephony["main"].read(OLD).destinations == frozenset()
    with two.store.begin() as session:
        assert session.get_one(Link, link_id).pbx == "new"
    assert plan(two, to_pbx="new") == []


def test_a_new_exchange_that_is_away_leaves_everything_as_it_was(
    two: Runtime, link_id: UUID
) -> None:
    two.telephony["new"].away = True  # type: ignore[attr-defined]
    (move,) = plan(two, to_pbx="new")
    done = moving.carry_out(two, move)
    assert done.error.startswith("new:")
    assert two.telephony["main"].read(OLD).destinations == {OURS}
    assert plan(two, to_pbx="new") == [move]


def test_an_old_exchange_that_is_away_is_cleared_later(two: Runtime, link_id: UUID) -> None:
    old = two.telephony["main"]
    (move,) = plan(two, to_pbx="new")
    old.away = True  # type: ignore[attr-defined]
    assert not moving.carry_out(two, move).old_cleared
    old.away = False  # type: ignore[attr-defined]
    assert moving.clear_leftovers(two) == []
    assert old.read(OLD).destinations == frozenset()
    with two.store.begin() as session:
        assert session.scalars(sa.select(Leftover)).all() == []


def test_a_plan_that_rings_later_goes_too(two: Runtime, link_id: UUID) -> None:
    """Nothing rings now, so there is no set to see; the windows of the plan are still ours."""
    old, now = two.telephony["main"], datetime.now(UTC)
    window = PlanWindow(now + timedelta(seconds=1), now + timedelta(hours=1), OURS)
    old.replace_plan(OLD, [window], valid_until=now + timedelta(days=1), revision=5)
    with two.store.begin() as session:
        row = session.get_one(Forwarding, link_id)
        row.observed = row.desired = []
        row.plan = [[0, 1, "number", OURS.value]]
        row.plan_until = now + timedelta(days=1)
    (move,) = plan(two, to_pbx="new")
    old.away = True  # type: ignore[attr-defined]
    assert not moving.carry_out(two, move).old_cleared
    assert moving.leftovers(two) == [("main", OLD)]
    old.away = False  # type: ignore[attr-defined]
    while old.read(OLD).destinations != {OURS}:
        time.sleep(0.05)  # its edge comes while nobody can clear it
    assert moving.clear_leftovers(two) == []
    assert moving.leftovers(two) == []
    assert old.read(OLD).destinations == frozenset()


def test_an_exchange_that_asks_has_nothing_to_clear(two: Runtime, link_id: UUID) -> None:
    asking = replace(two, telephony={"main": PullTelephony("main"), "new": two.telephony["new"]})
    (move,) = plan(asking, to_pbx="new")
    assert moving.carry_out(asking, move) == moving.Moved(move)
    assert two.telephony["new"].read(OLD).destinations == {OURS}
    back = replace(asking, telephony={"main": two.telephony["new"], "new": PullTelephony("new")})
    with two.store.begin() as session:
        session.get_one(Link, link_id).pbx = "main"
    (move,) = plan(back, to_pbx="new")
    assert moving.carry_out(back, move) == moving.Moved(move)
    assert back.telephony["main"].read(OLD).destinations == frozenset()


def test_what_somebody_else_set_on_the_old_line_meanwhile_is_let_be(
    two: Runtime, link_id: UUID
) -> None:
    old = two.telephony["main"]
    (move,) = plan(two, to_pbx="new")
    old.away = True  # type: ignore[attr-defined]
    moving.carry_out(two, move)
    old.away = False  # type: ignore[attr-defined]
    theirs = Destination.parse("+31201112222")
    old.replace(OLD, frozenset({theirs}), revision=9)
    assert moving.clear_leftovers(two) == []
    assert old.read(OLD).destinations == {theirs}


def test_a_feature_code_typed_on_the_old_line_meanwhile_is_let_be(
    two: Runtime, link_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = two.telephony["main"]
    (move,) = plan(two, to_pbx="new")

    def read(line: Line) -> Applied:
        raise ForeignForward("the exchange holds '*97'")

    monkeypatch.setattr(old, "read", read)
    assert moving.carry_out(two, move) == moving.Moved(move)
    assert moving.leftovers(two) == []


def test_an_extension_renumbered_keeps_its_link(two: Runtime, link_id: UUID) -> None:
    (move,) = plan(two, renumber={"200": "300"})
    moving.carry_out(two, move)
    assert two.telephony["main"].read(Line(JAN.domain, "300")).destinations == {OURS}
    assert two.telephony["main"].read(OLD).destinations == frozenset()


def test_two_links_never_end_up_on_one_line(two: Runtime, link_id: UUID) -> None:
    linking.provision_link(
        two,
        tenant_id="bel",
        account_id=JAN.id,
        domain=JAN.domain,
        extension="300",
        actor="system",
    )
    with pytest.raises(ValueError, match="driven twice"):
        plan(two, renumber={"200": "300"})


def test_an_unknown_exchange_is_told_by_name(two: Runtime) -> None:
    with pytest.raises(LookupError, match="nowhere"):
        plan(two, to_pbx="nowhere")


def test_a_check_writes_reads_back_and_restores(two: Runtime, link_id: UUID) -> None:
    findings = checking.check_exchange(two.telephony["main"], OLD)
    assert [one.what for one in findings if one.ok] == [
        "reach and log in",
        "read",
        "write and read back",
        "restore",
    ]
    assert two.telephony["main"].read(OLD).destinations == {OURS}


def test_a_check_of_an_exchange_that_is_away_says_how_to_mend_it(two: Runtime) -> None:
    two.telephony["new"].away = True  # type: ignore[attr-defined]
    *_, last = checking.check_exchange(two.telephony["new"], OLD)
    assert not last.ok
    assert last.mend
