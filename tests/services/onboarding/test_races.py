"""Several people at the same moment, on Postgres: one wins, the others are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from gcal_plugin.ports import Account, Role
from gcal_plugin.services.onboarding import asking, building, desk, direct, ending, quoting
from gcal_plugin.services.onboarding.asking import Asked
from gcal_plugin.services.onboarding.errors import (
    AlreadyOpen,
    ChangedMeanwhile,
    NotPossible,
    OnboardingError,
)
from gcal_plugin.services.onboarding.quoting import Offer
from gcal_plugin.store.tables import Link, MailOut, Request, RequestStep
from tests.support.portal import ANNA, DESK, JAN

from .conftest import World

pytestmark = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)

SECOND = Account(
    id="desk2", tenant_id="bel", email="d2@bel.example", roles=frozenset({Role.SUPPORT})
)


def at_once(world: World, clicks: Sequence[Callable[[], object]]) -> list[object]:
    """Run all clicks in the same moment; answers each result, or the error it met."""
    barrier = threading.Barrier(len(clicks))
    results: list[object] = [None] * len(clicks)

    def run(place: int, click: Callable[[], object]) -> None:
        with world.app.app_context():
            barrier.wait(10)
            try:
                results[place] = click() or "done"
            except Exception as error:  # noqa: BLE001 (handed to the test)
                results[place] = error

    threads = [
        threading.Thread(target=run, args=(place, click)) for place, click in enumerate(clicks)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert all(not thread.is_alive() for thread in threads)
    return results


@pytest.mark.parametrize("round_", range(5))
def test_two_of_support_quote_and_the_customer_agrees_at_once(world: World, round_: int) -> None:
    request_id = asking.submit(world.rt, JAN, Asked(["200"])).first
    quoting.make_quote(world.rt, DESK, request_id, None, Offer("0", "10", "2026-03-31"))
    version = desk.request_view(world.rt, DESK, request_id, desk=True).version
    results = at_once(
        world,
        [
            lambda: quoting.make_quote(
                world.rt, DESK, request_id, version, Offer("0", "20", "2026-03-31")
            ),
            lambda: quoting.make_quote(
                world.rt, SECOND, request_id, version, Offer("0", "30", "2026-03-31")
            ),
            lambda: quoting.agree(world.rt, JAN, request_id, version, quote=1),
        ],
    )
    assert sorted(type(one).__name__ for one in results) == [
        "ChangedMeanwhile", "ChangedMeanwhile", "str",
    ]  # fmt: skip
    [row] = world.rows(Request)
    assert (row.version, row.state) == (
        version + 1, "agreed" if results[2] == "done" else "quoted",
    )  # fmt: skip
    # Whoever agreed did so to the price that stands.
    if row.state == "agreed":
        assert row.monthly_price == 10
    assert len(world.rows(RequestStep)) == 3


def test_the_same_extension_asked_for_twice_at_once_is_one_request(world: World) -> None:
    results = at_once(
        world,
        [lambda: asking.submit(world.rt, JAN, Asked(["200"])).first for _ in range(4)],
    )
    assert len(set(map(str, results))) == 1, results
    assert len(world.rows(Request)) == 1
    assert len(world.rows(MailOut, MailOut.kind == "received")) == 1


def test_agree_and_cancel_at_once_leave_one_of_both(world: World) -> None:
    request_id = asking.submit(world.rt, JAN, Asked(["200"])).first
    quoting.make_quote(world.rt, DESK, request_id, None, Offer("0", "10", "2026-03-31"))
    results = at_once(
        world,
        [
            lambda: quoting.agree(world.rt, JAN, request_id, None, quote=1),
            lambda: quoting.agree(world.rt, ANNA, request_id, None, quote=1),
            lambda: quoting.decline(world.rt, ANNA, request_id, None, quote=1),
        ],
    )
    assert results.count("done") == 1, results
    others = [one for one in results if one != "done"]
    assert all(isinstance(one, ChangedMeanwhile | NotPossible) for one in others)
    assert len(world.rows(RequestStep)) == 3


def test_finishing_twice_at_once_makes_one_link_and_one_letter(world: World) -> None:
    request_id = asking.submit(world.rt, JAN, Asked(["200"])).first
    building.start(world.rt, DESK, request_id, None)
    results = at_once(
        world,
        [
            lambda: building.finish(world.rt, DESK, request_id, None),
            lambda: building.finish(world.rt, SECOND, request_id, None),
            lambda: direct.provision_directly(world.rt, DESK, email=JAN.email, extension="200"),
        ],
    )
    assert len(world.rows(Link)) == 1, results
    assert len(world.rows(MailOut, MailOut.kind == "done")) == 1
    assert [step.action for step in world.rows(RequestStep)].count("finish") == 1


def test_the_clock_on_two_machines_ends_a_contract_once(world: World) -> None:
    request_id = direct.provision_directly(world.rt, DESK, email=JAN.email, extension="200")
    ending.end_contract(world.rt, DESK, request_id, None, ends_on="2026-03-10")
    world.pass_time(days=30)
    results = at_once(world, [lambda: ending.end_due(world.rt) or "none" for _ in range(3)])
    assert not [one for one in results if isinstance(one, OnboardingError | AlreadyOpen)]
    assert [step.action for step in world.rows(RequestStep)].count("end") == 1
    assert len(world.rows(MailOut, MailOut.kind == "ended")) == 1
