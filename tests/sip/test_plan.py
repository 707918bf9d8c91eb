"""Plan mode: the exchange holds the coming windows and decides at each call by its own clock."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

import pytest

from gcal_plugin.domain.destination import Destination, national
from gcal_plugin.ports import Line, PlanWindow
from gcal_plugin.telephony.kamailio import KamailioTelephony
from tests.contracts.telephony import numbers, sleep_until
from tests.servers.kamailio import Kamailio
from tests.sip.phones import Phones

pytestmark = pytest.mark.sip

LINE = Line("acme.example", "200")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def random_windows(chance: random.Random, count: int) -> list[PlanWindow]:
    """Windows over 24 hours that adjoin, overlap and leave gaps; never over four at once."""
    pool = sorted(numbers(4))
    windows = []
    for place in range(count):
        start = NOON + timedelta(seconds=chance.randrange(0, 86_400, 30))
        end = start + timedelta(seconds=chance.choice([30, 60, 900, 3600]))
        windows.append(PlanWindow(start, end, pool[place % 4]))
    return windows


def expected(windows: list[PlanWindow], until: datetime, at: datetime) -> set[str]:
    """The rule itself: windows are half open, none starts once the plan has lapsed."""
    return {
        national(one.destination)
        for one in windows
        if one.start <= at < one.end and one.start < until
    }


@pytest.mark.parametrize("count", [0, 1, 5, 50, 300])
def test_at_any_instant_exactly_the_windows_of_that_instant_ring(
    kamailio: Kamailio, pbx: KamailioTelephony, phones: Phones, count: int
):
    chance = random.Random(count)
    windows = random_windows(chance, count)
    until = NOON + timedelta(hours=20)
    pbx.replace_plan(LINE, windows, valid_until=until, revision=1)
    edges = [edge for one in windows for edge in (one.start, one.end)]
    instants = [NOON + timedelta(seconds=chance.randrange(-60, 90_000)) for _ in range(60)]
    for edge in chance.sample(edges, min(40, len(edges))):
        instants += [edge - timedelta(seconds=1), edge]
    instants += [NOON - timedelta(days=400), NOON + timedelta(days=400)]
    calls = phones.call_many(
        kamailio.sip, [("200", "acme.example", int(at.timestamp())) for at in instants]
    )
    wrong = [
        (at, call.rang)
        for at, call in zip(instants, calls, strict=True)
        if call.rang != expected(windows, until, at) or call.own != (not call.rang)
    ]
    assert wrong == []


def test_edges_are_right_while_everything_of_ours_is_dead(kamailio: Kamailio, phones: Phones):
    """Nobody pushes, nobody is connected: only the exchange runs when the edges pass."""
    first, second = sorted(numbers(2))
    edge = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    windows = [
        PlanWindow(edge - timedelta(hours=1), edge, first),
        PlanWindow(edge, edge + timedelta(seconds=2), second),
    ]
    pbx = KamailioTelephony("kamailio", f"http://127.0.0.1:{kamailio.port}", kamailio.token)
    pbx.replace_plan(LINE, windows, valid_until=edge + timedelta(hours=24), revision=1)
    pbx.close()
    sleep_until(edge - timedelta(milliseconds=300))
    wrong, seen = [], set()
    while (began := datetime.now(UTC)) < edge + timedelta(seconds=2.3):
        call = phones.call(kamailio.sip)
        ended = datetime.now(UTC)
        possible = [
            frozenset(expected(windows, edge + timedelta(hours=1), at)) for at in (began, ended)
        ]
        seen.add(frozenset(call.rang))
        if frozenset(call.rang) not in possible or call.own != (not call.rang):
            wrong.append((began, ended, call.rang))
        time.sleep(0.002)
    assert wrong == []
    assert seen == {frozenset({national(first)}), frozenset({national(second)}), frozenset()}


def test_a_pushed_set_replaces_the_plan_at_the_very_next_call(
    kamailio: Kamailio, pbx: KamailioTelephony, phones: Phones
):
    now = datetime.now(UTC)
    window = PlanWindow(now - timedelta(hours=1), now + timedelta(hours=1), *numbers(1))
    pbx.replace_plan(LINE, [window], valid_until=now + timedelta(hours=24), revision=1)
    assert phones.call(kamailio.sip).rang
    pbx.replace(LINE, frozenset[Destination](), revision=2)
    call = phones.call(kamailio.sip)
    assert (call.own, call.rang) == (True, set())
