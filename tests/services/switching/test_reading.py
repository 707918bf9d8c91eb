"""How an exchange is read: its list or line by line, with odd lines among them, and with an end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from gcal_plugin.ports import (
    Applied,
    ForeignForward,
    Line,
    LineState,
    UnknownExtension,
    Unsupported,
)
from gcal_plugin.services import switching
from gcal_plugin.services.ledger import switches_of
from gcal_plugin.services.switching import looks, reading
from gcal_plugin.services.switching.breaker import breaker_of
from gcal_plugin.store.tables import Activity
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, KEES, PIET, World, minutes

LINE = Line("bakkerij.example", "200")


def told(world: World) -> list[str]:
    with world.rt.store.begin() as session:
        return [one.what for one in session.query(Activity).order_by(Activity.id)]


def test_an_exchange_that_cannot_list_its_lines_is_asked_line_by_line(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()

    def cannot() -> Iterator[LineState]:
        raise Unsupported("one by one only")

    monkeypatch.setattr(exchange, "read_all", cannot)
    exchange.exchange._held.clear()  # it forgot everything
    report = switching.sweep(world.rt, "main")
    assert (report.read, report.repaired) == (1, 1)
    world.go()
    assert world.held() == {JAN}


def listed_one_by_one(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot() -> Iterator[LineState]:
        raise Unsupported("one by one only")

    monkeypatch.setattr(exchange, "read_all", cannot)


def typed(exchange: Exchange, monkeypatch: pytest.MonkeyPatch, *extensions: str) -> None:
    """On these lines somebody typed a feature code, until it is called again without them."""
    odd = {Line("bakkerij.example", one) for one in extensions}
    plain = type(exchange)

    def read(line: Line) -> Applied:
        if line in odd:
            exchange.asked.reads += 1
            raise ForeignForward("the exchange holds '*97'")
        return plain.read(exchange, line)

    def read_all() -> Iterator[LineState]:
        yield from (LineState(line, frozenset(), 0, odd="'*97'") for line in odd)
        yield from (one for one in plain.read_all(exchange) if one.line not in odd)

    monkeypatch.setattr(exchange, "read", read)
    monkeypatch.setattr(exchange, "read_all", read_all)


def test_one_line_that_cannot_be_read_does_not_stop_the_sweep(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = [world.link(str(300 + number)) for number in range(3)]
    for link in links:
        world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    listed_one_by_one(exchange, monkeypatch)
    plain = exchange.read

    def read(line: Line) -> Applied:
        if line.extension == "300":
            raise UnknownExtension("no such user")
        if line.extension == "301":
            raise ValueError("a fault of the adapter")
        return plain(line)

    monkeypatch.setattr(exchange, "read", read)
    exchange.exchange._held.clear()
    report = switching.sweep(world.rt, "main")
    assert (report.read, report.unread, report.repaired, report.failed) == (1, 2, 1, "")
    world.go()
    assert Line("bakkerij.example", "302") in exchange.exchange._held


def test_a_feature_code_that_somebody_typed_is_left_alone_and_stops_nobody(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, good = world.link("200"), world.link("201")
    world.change(theirs)
    world.window(good, JAN, minutes(0), minutes(60))
    world.go()
    typed(exchange, monkeypatch, "200")
    exchange.exchange._held.pop(Line("bakkerij.example", "201"))
    report = switching.sweep(world.rt, "main")
    assert (report.left_alone, report.repaired) == (1, 1)
    assert told(world) == ["foreign_forward"]
    world.go()
    assert world.held("201") == {JAN}
    assert switching.sweep(world.rt, "main").left_alone == 0, "told once"

    writes = exchange.asked.lines.count(LINE)
    world.window(theirs, KEES, minutes(10), minutes(60))
    world.go(minutes(10))
    assert exchange.asked.lines.count(LINE) == writes, "what we cannot put back we do not replace"
    assert "*97" in (world.row(theirs).last_error or "")
    typed(exchange, monkeypatch)
    world.go(minutes(12))
    assert world.held() == {KEES}


def test_a_feature_code_over_one_of_ours_is_undone_once_and_then_stands(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.clock.at += minutes(1)
    typed(exchange, monkeypatch, "200")
    assert switching.sweep(world.rt, "main").repaired == 1
    writes = exchange.asked.writes
    world.go()
    assert exchange.asked.writes == writes + 1
    for _ in range(30):
        world.clock.at += minutes(1)
        switching.sweep(world.rt, "main")
        world.go()
    assert exchange.asked.writes == writes + 1
    assert told(world) == ["changed_by_hand"]


def test_odd_lines_say_nothing_about_silence(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = world.link("400")
    world.go()
    extensions = [str(300 + number) for number in range(6)]
    typed(exchange, monkeypatch, *extensions)
    for extension in extensions:
        world.window(world.link(extension), PIET, minutes(0), minutes(60))
    for _ in range(10):
        world.go(world.clock.at + timedelta(seconds=1))
    assert breaker_of(world.rt, "main").waits() == 0
    world.window(good, JAN, world.clock.at, minutes(60))
    world.go()
    assert world.held("400") == {JAN}


def test_one_look_at_a_time(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner: list[str] = []

    def read_all() -> Iterator[LineState]:
        inner.append(switching.sweep(world.rt, "main").failed)
        yield from ()

    monkeypatch.setattr(exchange, "read_all", read_all)
    assert switching.sweep(world.rt, "main").failed == ""
    assert switching.sweep(world.rt, "main").failed == ""
    assert inner == ["another look at it is under way"] * 2


def test_a_list_without_end_is_given_up(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LISTING_SECONDS", 0.2)

    def read_all() -> Iterator[LineState]:
        while True:
            yield LineState(LINE, frozenset(), 0)

    monkeypatch.setattr(exchange, "read_all", read_all)
    monkeypatch.setattr(looks, "LONG", 0.1)
    assert "took more than" in switching.sweep(world.rt, "main").failed
    assert "rests" in switching.sweep(world.rt, "main").failed, "its thread is the others' as well"
    assert "took more than" in switching.sweep(world.rt, "main", again=True).failed
    assert breaker_of(world.rt, "main").waits() == 0


def test_only_what_was_read_is_told_as_read_back(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ONE_BY_ONE", 2)
    listed_one_by_one(exchange, monkeypatch)
    links = [world.link(str(300 + number)) for number in range(6)]
    for link in links:
        world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    for turn in range(1, 4):
        world.clock.at += timedelta(seconds=30)
        assert switching.sweep(world.rt, "main").read == 2
        marked = sum(switches_of(world.rt, link)[0].read_back_at is not None for link in links)
        assert marked == 2 * turn


def test_a_line_that_is_being_switched_is_not_told_as_read_back(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.clock.at += timedelta(seconds=30)
    world.change(link)
    assert switching.prepare(world.rt, "main", [link]).report.claimed == 1
    world.change(link)
    world.window(link, PIET, minutes(0), minutes(60))
    assert switching.prepare(world.rt, "main", [link]).armed
    switching.sweep(world.rt, "main")
    assert switches_of(world.rt, link)[0].read_back_at is None


def test_a_late_write_is_found_line_by_line_too(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an exchange that neither fences nor lists: the line is empty by our records."""
    listed_one_by_one(exchange, monkeypatch)
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.go(minutes(60))
    exchange.by_hand(LINE, JAN)
    world.clock.at += timedelta(seconds=30)
    assert switching.sweep(world.rt, "main").repaired == 1
    world.go()
    assert world.held() == set()


def test_what_is_set_by_hand_on_an_empty_line_is_seen_line_by_line_too(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ONE_BY_ONE", 10)
    listed_one_by_one(exchange, monkeypatch)
    busy = [world.link(str(300 + number)) for number in range(12)]
    for link in busy:
        world.window(link, JAN, minutes(0), minutes(600))
    link = world.link()
    world.window(link, PIET, minutes(60), minutes(90))
    world.change(link)
    world.go()
    exchange.by_hand(LINE, KEES)
    for _ in range(4):
        world.clock.at += timedelta(seconds=30)
        switching.sweep(world.rt, "main")
    assert world.row(link).foreign_set == [["number", KEES]]
    world.walk(minutes(90))
    assert world.held() == {KEES}


def test_a_link_is_let_go_where_somebody_typed_a_feature_code(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = world.link()
    world.go()
    typed(exchange, monkeypatch, "200")
    world.change(link)
    world.go()
    assert world.row(link).last_error is None, "nothing of ours is to stand there"
    world.change(link, state="ready")
    assert switching.clear_link(world.rt, link)
    assert exchange.asked.writes == 0
