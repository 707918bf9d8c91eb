"""The snippet for Asterisk finds who rings, as the adapter wrote it, second by second."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import gcal_plugin.telephony.asterisk as room
from gcal_plugin.domain.destination import Destination, Kind
from gcal_plugin.ports import Line, PlanWindow
from tests.contracts.telephony import numbers
from tests.telephony.dialplan import Dialplan, cut, expression, math, split
from tests.telephony.test_contract_asterisk import Family

LINE = Line("acme.example", "200")
SNIPPET = (Path(room.__file__).parent / "extensions_gcal.conf").read_text()
GLOBALS = {
    "GCAL_TRUNK": "PJSIP/trunk/sip:%s@gateway.example:5060",
    "GCAL_PHONE": "PJSIP/%s",
    "GCAL_SECONDS": "30",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Family]:
    server = Family(tmp_path_factory.mktemp("asterisk"))
    yield server
    server.stop()


@pytest.fixture
def plan(server: Family) -> Dialplan:
    """The snippet, and the extension that its head shows."""
    head = SNIPPET[: SNIPPET.index("; The manager")]
    example = "\n".join(re.findall(r"^;   ((?:exten| same) => .*)$", head, re.MULTILINE))
    assert example.count("=>") == 5
    rows = server.rows()
    return Dialplan(
        f"{SNIPPET}\n[phones]\n{example}\n",
        db=lambda path: rows.get(path, ""),
        epoch=lambda: int(datetime.now(UTC).timestamp()),
        variables=GLOBALS,
    )


def dialled(plan: Dialplan) -> set[str]:
    """Who rings; the own phone is told from a forward to an extension by its time-out."""
    calls, _ = plan.call("phones", "200")
    assert len(calls) == 1
    return set(calls[0].split(",")[0].split("&")) | ({"own"} if calls[0].endswith(",30") else set())


def wanted(destinations: frozenset[Destination]) -> set[str]:
    rings = set()
    for one in destinations:
        if one.kind is Kind.EXTENSION:
            rings.add(f"PJSIP/{one.value}")
        else:
            rings.add(f"PJSIP/trunk/sip:0{one.value[3:]}@gateway.example:5060")
    return rings or {"PJSIP/200", "own"}


def test_nobody_some_and_ten_ring_and_the_called_extension_is_told(
    server: Family, plan: Dialplan
) -> None:
    adapter = server.connect(server.port)
    assert dialled(plan) == wanted(frozenset())
    extension = frozenset({Destination(Kind.EXTENSION, "333")})
    sets = [numbers(1), numbers(2), extension, numbers(9) | extension, frozenset()]
    for revision, destinations in enumerate(sets, start=1):
        adapter.replace(LINE, destinations, revision=revision)
        rows = server.rows()
        plan.db = lambda path, rows=rows: rows.get(path, "")  # type: ignore[misc]
        assert dialled(plan) == wanted(destinations)
        if destinations:
            calls, channel = plan.call("phones", "200")
            assert calls[0].endswith(",30,i")  # what a phone forwards by itself is not followed
            assert channel["REDIRECTING(from-num,i)"] == "200"
            assert channel["REDIRECTING(reason,i)"] == "cfu"


def test_two_hundred_instants_of_random_plans_ring_whom_the_plan_names(
    server: Family, plan: Dialplan
) -> None:
    adapter, chance = server.connect(server.port), random.Random(3)
    now = datetime.now(UTC).replace(microsecond=0)
    for revision in range(101, 111):
        windows = []
        for place in range(chance.choice((0, 1, 2, 7, 20))):
            start = now + timedelta(seconds=chance.randrange(-3600, 80_000))
            end = start + timedelta(seconds=chance.randrange(1, 9000))
            windows.append(PlanWindow(start, end, *numbers(1, start=10_000_000 + place)))
        until = now + timedelta(days=1)
        adapter.replace_plan(LINE, windows, valid_until=until, revision=revision)
        rows = server.rows()
        plan.db = lambda path, rows=rows: rows.get(path, "")  # type: ignore[misc]
        edges = [at for one in windows for at in (one.start, one.end)] or [now]
        for _ in range(20):
            at = chance.choice(edges) + timedelta(seconds=chance.choice((-1, 0, 1, 777)))
            at = max(at, now)
            plan.epoch = lambda at=at: int(at.timestamp())  # type: ignore[misc]
            rings = {one.destination for one in windows if one.start <= at < one.end}
            if at < until and len(rings) <= 10:
                assert dialled(plan) == wanted(frozenset(rings)), (revision, at)


def test_a_plan_that_went_away_while_it_was_read_gives_the_phone_back(plan: Dialplan) -> None:
    plan.db = {"/gcal/acme.example/200": "7:3:0:"}.get  # type: ignore[assignment]
    reading = plan.db
    plan.db = lambda path: reading(path) or ""
    assert dialled(plan) == wanted(frozenset())


def test_what_asterisk_would_not_take_is_a_fault_here_too() -> None:
    assert split("s,1(a,b),c") == ["s", "1(a,b)", "c"]
    assert (cut("1-2-3", "-", "2-"), cut("1", "-", "2-"), cut("a:b", ":", "2")) == ("2-3", "", "b")
    assert expression('"" = ""') == "1"
    assert expression("10 > 9") == "1"
    for wrong in ("(1+3)/2", "1+3/2"):
        with pytest.raises(AssertionError):
            math(wrong, "int")
