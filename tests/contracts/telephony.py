"""What every exchange promises, as tests: inherit, say how to reach yours, and run.

    class TestMine(TelephonyContract):
        @pytest.fixture
        def telephony(self):
            return MyExchange("mine", ...)

`TelephonyContract` needs the `telephony` fixture only. An exchange on the other side of a wire
adds `WireContract` (fixture `server`: a `Server`), one that can refuse a single destination adds
`RefusingContract`. No test skips: where a platform cannot do something, the promise is that it
says so.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

import pytest

from gcal_plugin.domain.destination import Destination, Kind
from gcal_plugin.ports import (
    Applied,
    AuthFailed,
    InvalidDestination,
    Line,
    LineState,
    PlanWindow,
    StaleRevision,
    Telephony,
    TelephonyError,
    Temporary,
    UnknownExtension,
    Unsupported,
)
from tests.fakes.proxy import Proxy

LINE = Line("acme.example", "200")
SAME_NUMBER_ELSEWHERE = Line("beta.example", "200")
OTHER = Line("acme.example", "201")
UNKNOWN = Line("acme.example", "998")
REFUSED = Destination(Kind.NUMBER, "+31687654321")
LINES = {"acme.example": ["200", "201", "202", "203"], "beta.example": ["200"]}
"""The lines that the exchange under test must have, and no others in these domains."""

NOBODY: frozenset[Destination] = frozenset()


def numbers(count: int, *, start: int = 10_000_000) -> frozenset[Destination]:
    """So many different Dutch mobiles."""
    return frozenset(Destination(Kind.NUMBER, f"+316{start + place}") for place in range(count))


class Server(Protocol):
    """An exchange on the other side of a wire, as the wire tests need it."""

    port: int

    def connect(
        self,
        port: int,
        *,
        timeout: float = 5.0,
        credentials: Literal["right", "wrong"] = "right",
    ) -> Telephony:
        """An adapter of this exchange that goes through this port of 127.0.0.1."""
        ...

    def restart(self) -> None:
        """Kill it as a power cut would, and start it again on the same port and data."""
        ...


class TelephonyContract:
    """The promises of `Telephony`."""

    refuses_older: bool | None = None
    """Whether an older revision is refused; None believes `capabilities.fences`."""
    keeps_revision = True
    """Whether the platform has room for our revision; without it reads say 0."""
    lists_all = True
    """Whether the platform can list its lines; without that, it says so."""

    @pytest.fixture
    def telephony(self) -> Telephony:
        raise NotImplementedError("say how to reach your exchange: override `telephony`")

    @pytest.fixture
    def most(self, telephony: Telephony) -> int:
        """How many destinations these tests ring at once."""
        return min(telephony.capabilities.max_destinations or 3, 3)

    @pytest.fixture
    def next_revision(self) -> Iterator[int]:
        """Revisions as one line's owner would count them."""
        return itertools.count(1)

    # -- sets ------------------------------------------------------------------------------------

    def test_a_line_that_was_never_set_rings_itself(self, telephony: Telephony):
        assert telephony.read(LINE) == Applied(NOBODY, 0)

    def test_what_was_set_is_read_back(self, telephony: Telephony, most: int):
        applied = telephony.replace(LINE, numbers(most), revision=1)
        assert applied == Applied(numbers(most), 1)
        self.assert_held(telephony, Applied(numbers(most), 1))

    def test_a_set_replaces_the_whole_set_before_it(self, telephony: Telephony, most: int):
        telephony.replace(LINE, numbers(most), revision=1)
        telephony.replace(LINE, numbers(1, start=20_000_000), revision=2)
        assert telephony.read(LINE).destinations == numbers(1, start=20_000_000)

    def test_a_repeat_changes_nothing(self, telephony: Telephony, most: int):
        first = telephony.replace(LINE, numbers(most), revision=3)
        assert telephony.replace(LINE, numbers(most), revision=3) == first
        self.assert_held(telephony, first)

    def test_an_empty_set_gives_the_phone_back(self, telephony: Telephony, most: int):
        telephony.replace(LINE, numbers(most), revision=1)
        assert telephony.replace(LINE, NOBODY, revision=2) == Applied(NOBODY, 2)
        self.assert_held(telephony, Applied(NOBODY, 2))

    def test_clearing_what_is_not_there_is_done_already(self, telephony: Telephony):
        assert telephony.replace(LINE, NOBODY, revision=1).destinations == NOBODY
        assert telephony.read(LINE).destinations == NOBODY

    def test_the_order_of_a_set_does_not_matter(self, telephony: Telephony, most: int):
        forth = frozenset(sorted(numbers(most)))
        back = frozenset(sorted(numbers(most), reverse=True))
        first = telephony.replace(LINE, forth, revision=1)
        assert telephony.replace(LINE, back, revision=1) == first

    def test_an_extension_rings_too_or_is_refused_in_words(self, telephony: Telephony):
        inside = frozenset({Destination(Kind.EXTENSION, "202")})
        if telephony.capabilities.accepts_extensions:
            telephony.replace(LINE, inside, revision=1)
            assert telephony.read(LINE).destinations == inside
        else:
            with pytest.raises(InvalidDestination, match="202"):
                telephony.replace(LINE, inside, revision=1)
            assert telephony.read(LINE).destinations == NOBODY

    def test_numbers_come_back_canonical_from_every_country(self, telephony: Telephony):
        for revision, value in enumerate(("+31201234567", "+32471234567", "+4915112345678"), 1):
            one = frozenset({Destination(Kind.NUMBER, value)})
            telephony.replace(LINE, one, revision=revision)
            assert telephony.read(LINE).destinations == one

    def test_over_the_limit_is_said_before_anything_changes(self, telephony: Telephony):
        limit = telephony.capabilities.max_destinations
        if limit is None:
            telephony.replace(LINE, numbers(12), revision=1)
            assert telephony.read(LINE).destinations == numbers(12)
            return
        telephony.replace(LINE, numbers(1), revision=1)
        with pytest.raises(Unsupported):
            telephony.replace(LINE, numbers(limit + 1), revision=2)
        assert telephony.read(LINE).destinations == numbers(1)

    # -- lines -----------------------------------------------------------------------------------

    def test_the_same_extension_in_two_domains_is_two_lines(self, telephony: Telephony):
        telephony.replace(LINE, numbers(1), revision=1)
        telephony.replace(SAME_NUMBER_ELSEWHERE, numbers(1, start=30_000_000), revision=1)
        assert telephony.read(LINE).destinations == numbers(1)
        telephony.replace(LINE, NOBODY, revision=2)
        assert telephony.read(SAME_NUMBER_ELSEWHERE).destinations == numbers(1, start=30_000_000)

    @pytest.mark.parametrize(
        "line",
        [
            Line("acme.example", "200'; DROP TABLE x; --"),
            Line("acme.example\r\nAction: Logoff", "200"),
            Line("acme.example/../beta.example", "200"),
            Line("acme.example", "20 0"),
            Line("acme.example", "٢٠٠"),
            Line("", "200"),
            Line("acme.example", ""),
        ],
    )
    def test_a_line_that_means_something_else_never_leaves(self, telephony: Telephony, line: Line):
        with pytest.raises(UnknownExtension):
            telephony.replace(line, numbers(1), revision=1)
        with pytest.raises(UnknownExtension):
            telephony.read(line)

    def test_every_line_of_ours_is_listed(self, telephony: Telephony):
        lines = {LINE: numbers(1), OTHER: numbers(1, start=40_000_000)}
        for line, wanted in lines.items():
            telephony.replace(line, wanted, revision=1)
        if not self.lists_all:
            with pytest.raises(Unsupported):
                list(telephony.read_all())
            return
        listed = {state.line: state.destinations for state in telephony.read_all()}
        assert {line: listed.get(line) for line in lines} == lines

    # -- revisions -------------------------------------------------------------------------------

    def test_an_older_revision_never_wins_where_that_is_promised(self, telephony: Telephony):
        telephony.replace(LINE, numbers(1), revision=5)
        older = numbers(1, start=50_000_000)
        if self.refuses_older or (self.refuses_older is None and telephony.capabilities.fences):
            with pytest.raises(StaleRevision) as caught:
                telephony.replace(LINE, older, revision=4)
            assert caught.value.held == Applied(numbers(1), 5)
            assert telephony.read(LINE) == Applied(numbers(1), 5)
        else:
            telephony.replace(LINE, older, revision=4)
            assert telephony.read(LINE).destinations == older

    def test_concurrent_sets_are_never_mixed(self, telephony: Telephony, most: int):
        sets = [numbers(most, start=60_000_000 + 100 * place) for place in range(4)]
        allowed = {NOBODY, *sets}
        revisions = itertools.count(1)
        seen: list[frozenset[Destination]] = []
        faults: list[BaseException] = []

        def write(place: int) -> None:
            chance = random.Random(place)
            for _ in range(15):
                try:
                    telephony.replace(LINE, chance.choice(sets), revision=next(revisions))
                except TelephonyError as error:
                    # Another writer's set may be what is held by now: that is no mixture.
                    held = getattr(error, "held", None)
                    if held is None:
                        faults.append(error)
                    else:
                        seen.append(held.destinations)

        def read() -> None:
            seen.extend(telephony.read(LINE).destinations for _ in range(30))

        threads = [threading.Thread(target=write, args=(place,)) for place in range(3)]
        threads += [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert faults == []
        assert len(seen) >= 60
        assert set(seen) <= allowed

    # -- bulk, plan, expiry ----------------------------------------------------------------------

    def test_many_at_once_answer_line_by_line_in_order(self, telephony: Telephony):
        states = [
            LineState(LINE, numbers(1), 1),
            LineState(Line("acme.example", "20 0"), numbers(1), 1),
            LineState(OTHER, numbers(1, start=40_000_000), 1),
        ]
        results = telephony.replace_many(states)
        assert [result.line for result in results] == [state.line for state in states]
        assert results[0].applied == Applied(numbers(1), 1)
        assert isinstance(results[1].error, UnknownExtension)
        assert results[2].applied == Applied(numbers(1, start=40_000_000), 1)
        assert telephony.read(OTHER).destinations == numbers(1, start=40_000_000)

    def test_a_plan_rings_who_it_says_or_is_refused_in_words(self, telephony: Telephony, most: int):
        now = datetime.now(UTC)
        whole = sorted(numbers(most))
        windows = [
            PlanWindow(now - timedelta(hours=1), now + timedelta(hours=1), one) for one in whole
        ]
        windows.append(
            PlanWindow(now + timedelta(hours=1), now + timedelta(hours=2), sorted(numbers(9))[8])
        )
        until = now + timedelta(hours=24)
        if not telephony.capabilities.plan:
            with pytest.raises(Unsupported):
                telephony.replace_plan(LINE, windows, valid_until=until, revision=1)
            return
        telephony.replace_plan(LINE, windows, valid_until=until, revision=1)
        self.assert_held(telephony, Applied(frozenset(whole), 1))
        telephony.replace(LINE, NOBODY, revision=2)
        self.assert_held(telephony, Applied(NOBODY, 2))

    def test_a_plan_switches_by_the_exchanges_own_clock(self, telephony: Telephony):
        if not telephony.capabilities.plan:
            with pytest.raises(Unsupported):
                telephony.replace_plan(LINE, [], valid_until=datetime.now(UTC), revision=1)
            return
        first, second = sorted(numbers(2))
        edge = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
        windows = [
            PlanWindow(edge - timedelta(hours=1), edge, first),
            PlanWindow(edge, edge + timedelta(seconds=1), second),
        ]
        telephony.replace_plan(LINE, windows, valid_until=edge + timedelta(hours=1), revision=1)
        assert telephony.read(LINE).destinations == {first}
        sleep_until(edge + timedelta(milliseconds=150))
        assert telephony.read(LINE).destinations == {second}
        sleep_until(edge + timedelta(milliseconds=1150))
        assert telephony.read(LINE).destinations == NOBODY

    def test_no_window_starts_after_the_validity(self, telephony: Telephony):
        if not telephony.capabilities.plan:
            assert telephony.capabilities.plan is False
            return
        now = datetime.now(UTC)
        lapsed = [PlanWindow(now - timedelta(minutes=1), now + timedelta(hours=1), *numbers(1))]
        telephony.replace_plan(LINE, lapsed, valid_until=now - timedelta(minutes=5), revision=1)
        assert telephony.read(LINE).destinations == NOBODY

    def test_a_set_ends_by_itself_or_that_is_refused_in_words(self, telephony: Telephony):
        soon = datetime.now(UTC) + timedelta(seconds=1.2)
        if not telephony.capabilities.expiry:
            with pytest.raises(Unsupported):
                telephony.replace(LINE, numbers(1), revision=1, expires_at=soon)
            assert telephony.read(LINE).destinations == NOBODY
            return
        telephony.replace(LINE, numbers(1), revision=1, expires_at=soon)
        assert telephony.read(LINE).destinations == numbers(1)
        sleep_until(soon + timedelta(seconds=1.2))
        assert telephony.read(LINE).destinations == NOBODY

    # -- health ----------------------------------------------------------------------------------

    def test_a_check_finds_it_well_and_changes_nothing(self, telephony: Telephony):
        telephony.replace(LINE, numbers(1), revision=1)
        health = telephony.check()
        assert health.ok, health.detail
        assert telephony.read(LINE).destinations == numbers(1)

    def test_it_is_the_port(self, telephony: Telephony):
        assert isinstance(telephony, Telephony)
        assert telephony.name

    def assert_held(self, telephony: Telephony, wanted: Applied) -> None:
        """`LINE` holds this; a platform without room for a revision says 0."""
        revision = wanted.revision if self.keeps_revision else 0
        assert telephony.read(LINE) == Applied(wanted.destinations, revision)


class WireContract:
    """The promises of an exchange on the other side of a wire."""

    @pytest.fixture
    def server(self) -> Server:
        raise NotImplementedError("say how to start your exchange: override `server`")

    @pytest.fixture
    def telephony(self, server: Server) -> Telephony:
        return server.connect(server.port)

    @pytest.fixture
    def proxy(self, server: Server) -> Iterator[Proxy]:
        with Proxy(server.port) as proxy:
            yield proxy

    def test_wrong_credentials_are_told_apart_from_an_outage(self, server: Server):
        stranger = server.connect(server.port, credentials="wrong")
        with pytest.raises(AuthFailed):
            stranger.replace(LINE, numbers(1), revision=1)
        with pytest.raises(AuthFailed):
            stranger.read(LINE)
        assert not stranger.check().ok

    def test_nobody_there_is_temporary(self, server: Server, proxy: Proxy):
        adapter = server.connect(proxy.port)
        proxy.mode = "refuse"
        with pytest.raises(Temporary):
            adapter.replace(LINE, numbers(1), revision=1)
        assert not adapter.check().ok
        proxy.mode = "pass"
        assert adapter.replace(LINE, numbers(1), revision=1).destinations == numbers(1)

    def test_silence_ends_in_time_and_is_temporary(self, server: Server, proxy: Proxy):
        adapter = server.connect(proxy.port, timeout=0.5)
        proxy.mode = "silent"
        began = time.monotonic()
        with pytest.raises(Temporary):
            adapter.replace(LINE, numbers(1), revision=1)
        assert time.monotonic() - began < 3

    def test_a_write_whose_answer_was_lost_is_found_by_reading(self, server: Server, proxy: Proxy):
        adapter = server.connect(proxy.port, timeout=1.0)
        adapter.replace(LINE, numbers(1), revision=1)
        proxy.mode = "cut"
        with pytest.raises(Temporary):
            adapter.replace(LINE, numbers(1, start=70_000_000), revision=2)
        proxy.mode = "pass"
        held = adapter.read(LINE)
        assert held.destinations in (numbers(1), numbers(1, start=70_000_000))
        again = adapter.replace(LINE, numbers(1, start=70_000_000), revision=2)
        assert again.destinations == numbers(1, start=70_000_000)

    def test_a_restart_keeps_what_was_set(self, server: Server):
        adapter = server.connect(server.port)
        adapter.replace(LINE, numbers(1), revision=4)
        before = adapter.read(LINE)
        server.restart()
        assert server.connect(server.port).read(LINE) == before
        assert eventually(adapter) == before


class RefusingContract:
    """The promises of an exchange that refuses `REFUSED` and the line `UNKNOWN`."""

    def test_an_unknown_extension_is_told(self, telephony: Telephony):
        with pytest.raises(UnknownExtension):
            telephony.replace(UNKNOWN, numbers(1), revision=1)
        with pytest.raises(UnknownExtension):
            telephony.read(UNKNOWN)

    def test_one_bad_destination_is_named_and_nothing_changes(self, telephony: Telephony):
        telephony.replace(LINE, numbers(1), revision=1)
        with pytest.raises(InvalidDestination) as caught:
            telephony.replace(LINE, numbers(1, start=80_000_000) | {REFUSED}, revision=2)
        assert caught.value.destination == REFUSED
        assert telephony.read(LINE) == Applied(numbers(1), 1)

    def test_a_refusal_among_many_stays_with_its_line(self, telephony: Telephony):
        results = telephony.replace_many(
            [
                LineState(LINE, numbers(1), 1),
                LineState(OTHER, frozenset({REFUSED}), 1),
                LineState(UNKNOWN, numbers(1), 1),
            ]
        )
        assert results[0].applied == Applied(numbers(1), 1)
        assert isinstance(results[1].error, InvalidDestination)
        assert results[1].error.destination == REFUSED
        assert isinstance(results[2].error, UnknownExtension)


def eventually(adapter: Telephony) -> Applied:
    """Read with an adapter that may still hold a connection to an exchange that died."""
    for _ in range(5):
        try:
            return adapter.read(LINE)
        except Temporary:
            time.sleep(0.2)
    return adapter.read(LINE)


def sleep_until(instant: datetime) -> None:
    """Wait for an instant of the wall clock."""
    time.sleep(max(0.0, (instant - datetime.now(UTC)).total_seconds()))
