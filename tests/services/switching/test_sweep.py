"""Reading a whole exchange back: drift is mended, what others set is left alone, nothing flaps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from gcal_plugin.domain.destination import Destination
from gcal_plugin.ports import (
    Applied,
    AuthFailed,
    ForeignForward,
    Line,
    LineState,
    Temporary,
    UnknownExtension,
    Unsupported,
)
from gcal_plugin.services import blocking, switching
from gcal_plugin.services.ledger import switches_of
from gcal_plugin.services.switching import push, reading
from gcal_plugin.services.switching.breaker import breaker_of
from gcal_plugin.store.tables import Activity, Forwarding, LedgerEntry
from gcal_plugin.telephony.exchange import Held
from gcal_plugin.telephony.memory import MemoryTelephony
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, KEES, MONDAY, PIET, World, minutes

LINE = Line("bakkerij.example", "200")


def told(world: World) -> list[str]:
    with world.rt.store.begin() as session:
        return [one.what for one in session.query(Activity).order_by(Activity.id)]


def test_a_healthy_exchange_needs_nothing(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.clock.at += timedelta(seconds=1)
    report = switching.sweep(world.rt, "main")
    assert (report.same, report.repaired, report.left_alone) == (1, 0, 0)
    [entry] = switches_of(world.rt, link)
    assert entry.read_back_at == world.clock.at


def test_an_exchange_that_says_yes_and_does_nothing_is_found(
    world: World, exchange: Exchange
) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    exchange.exchange._held.clear()  # it forgot everything
    report = switching.sweep(world.rt, "main")
    assert report.repaired == 1
    assert world.wake.switched[-1] == link
    world.go()
    assert world.held() == {JAN}
    assert switches_of(world.rt, link)[0].cause == "repair"


def test_a_late_write_of_ours_is_cleared(world: World, exchange: Exchange) -> None:
    """A worker that slept wrote an old set over a newer one, on an exchange that does not fence."""
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.go(minutes(60))
    assert world.held() == set()
    exchange.by_hand(LINE, JAN)
    world.go(minutes(61))
    assert switching.sweep(world.rt, "main").repaired == 1
    world.go()
    assert world.held() == set()


def test_the_same_number_set_by_hand_after_a_verified_end_is_theirs(
    world: World, exchange: Exchange
) -> None:
    """Whoever dials a forward to the mobile that the calendar uses too keeps it."""
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.go(minutes(60))
    world.clock.at += timedelta(seconds=30)
    assert switching.sweep(world.rt, "main").repaired == 0
    exchange.by_hand(LINE, JAN)
    world.clock.at += timedelta(seconds=60)
    report = switching.sweep(world.rt, "main")
    assert (report.left_alone, report.repaired) == (1, 0)
    world.go()
    assert world.held() == {JAN}
    assert told(world) == ["foreign_forward"]


def test_a_forward_that_we_put_back_stays_theirs(world: World, exchange: Exchange) -> None:
    exchange.by_hand(LINE, KEES)
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.decide(link, keep=True)
    world.go()
    world.go(minutes(60))
    assert world.held() == {KEES}
    assert switches_of(world.rt, link)[0].detail == "restored"
    for values in ((), (KEES,)):
        exchange.by_hand(LINE, *values)
        world.clock.at += timedelta(seconds=60)
        assert switching.sweep(world.rt, "main").repaired == 0
        world.go()
        assert world.held() == set(values)
    assert world.row(link).foreign_set == [["number", KEES]]


def test_a_forward_that_somebody_else_set_is_left_alone_and_comes_back(
    world: World, exchange: Exchange
) -> None:
    exchange.by_hand(LINE, KEES)
    link = world.link()
    world.window(link, JAN, minutes(10), minutes(60))
    world.go()
    assert world.held() == {KEES}
    world.go(minutes(10))
    assert world.held() == {JAN}
    world.go(minutes(60))
    assert world.held() == {KEES}


def test_a_forward_set_by_hand_while_ours_is_empty_is_theirs(
    world: World, exchange: Exchange
) -> None:
    link = world.link()
    world.window(link, JAN, minutes(30), minutes(60))
    world.go()
    exchange.by_hand(LINE, KEES)
    for _ in range(3):
        assert switching.sweep(world.rt, "main").repaired == 0
        world.go(world.clock.at + minutes(1))
    assert world.held() == {KEES}
    assert told(world) == ["foreign_forward"]
    world.walk(minutes(61))
    assert world.held() == {KEES}
    exchange.by_hand(LINE)
    switching.sweep(world.rt, "main")
    world.go(world.clock.at + minutes(1))
    assert world.held() == set()
    assert world.row(link).foreign_set is None


def test_a_change_by_hand_is_undone_once_and_then_stands(world: World, exchange: Exchange) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), timedelta(hours=2))
    world.go()
    exchange.by_hand(LINE, KEES)
    switching.sweep(world.rt, "main")
    world.go()
    assert world.held() == {JAN}
    for _ in range(5):
        exchange.by_hand(LINE, KEES)
        switching.sweep(world.rt, "main")
        world.go(world.clock.at + timedelta(seconds=30))
        assert world.held() == {KEES}
    assert told(world) == ["changed_by_hand"]
    world.go(timedelta(hours=2))
    assert world.held() == set()
    assert world.row(link).due_at is None


def test_a_restored_database_does_not_fall_behind(world: World, exchange: Exchange) -> None:
    link = world.link()
    for number in range(5):
        world.window(link, JAN, minutes(number * 20), minutes(number * 20 + 10))
    world.walk(minutes(81))
    assert world.held() == {JAN}
    with world.rt.store.begin() as session:
        row = session.get_one(Forwarding, link)
        session.refresh(row)
        row.revision, row.generation, row.settled = 1, 1, 1
        row.desired, row.observed, row.observed_revision = [], [], 1
        row.due_at = world.clock.at
        session.query(LedgerEntry).delete()
    for _ in range(5):
        switching.sweep(world.rt, "main")
        world.go(world.clock.at + timedelta(seconds=1))
    assert world.held() == {JAN}
    world.walk(minutes(91))
    assert world.held() == set()


def test_a_failed_reading_says_nothing_about_any_line(world: World, exchange: Exchange) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    exchange.reading = lambda: Temporary("no answer")
    report = switching.sweep(world.rt, "main")
    assert report.failed == "no answer"
    assert world.row(link).observed == [["number", JAN]]
    exchange.reading = lambda: None
    assert switching.sweep(world.rt, "main").same == 1


def test_a_line_that_is_being_switched_is_not_swept(world: World, exchange: Exchange) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    [armed] = switching.prepare(world.rt, "main", [link]).armed
    exchange.by_hand(LINE, PIET)
    assert switching.sweep(world.rt, "main").repaired == 0
    switching.fire(world.rt, armed)
    switching.finish(world.rt, armed)


def test_keeping_or_replacing_what_stood_there(world: World, exchange: Exchange) -> None:
    kept, replaced = world.link("200"), world.link("201")
    other = Line("bakkerij.example", "201")
    for line in (LINE, other):
        exchange.by_hand(line, KEES)
    number = frozenset({Destination.parse(KEES)})
    assert world.decide(kept, keep=True) == number
    assert world.decide(replaced, keep=False) == number
    for link in (kept, replaced):
        world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    assert world.held("200") == world.held("201") == {JAN}
    world.go(minutes(60))
    assert world.held("200") == {KEES}
    assert world.held("201") == set()


def test_many_lines_met_for_the_first_time_keep_what_stands_there(
    world: World, exchange: Exchange
) -> None:
    """As after an import: more lines in one batch than are read in one go."""
    count = push.FIRST_READS + 20
    links = [world.link(str(1000 + number)) for number in range(count)]
    for number in range(count):
        exchange.by_hand(Line("bakkerij.example", str(1000 + number)), KEES)
    written = exchange.asked.writes
    for link in links:
        world.change(link)
    world.go()
    world.go(world.clock.at + timedelta(seconds=1))
    assert {world.row(link).foreign_set[0][1] for link in links} == {KEES}  # type: ignore[index]
    assert exchange.asked.writes == written


def test_a_silent_first_look_does_not_make_a_forward_ours(world: World, exchange: Exchange) -> None:
    exchange.by_hand(LINE, KEES)
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    exchange.reading = lambda: Temporary("no answer")
    for second in range(3):
        world.go(timedelta(seconds=10 * second))
    exchange.reading = lambda: None
    assert world.held() == {KEES}
    world.walk(minutes(30))
    assert world.held() == {JAN}
    world.walk(minutes(61))
    assert world.held() == {KEES}


def test_a_forward_by_hand_survives_the_first_look_of_an_exchange_that_keeps_plans(
    planning: World,
) -> None:
    exchange = planning.rt.telephony["main"]
    theirs = frozenset({Destination.parse(KEES)})
    assert isinstance(exchange, MemoryTelephony)
    exchange.exchange._held[LINE] = Held(theirs)  # as a phone sets it: without a revision of ours
    link = planning.link()
    planning.window(link, JAN, minutes(10), minutes(60))
    planning.go()
    assert planning.held() == {KEES}
    planning.go(minutes(10))
    assert planning.held() == {JAN}
    planning.go(minutes(60))
    assert planning.held() == {KEES}
    assert planning.decide(link, keep=False) == theirs
    planning.go()
    assert planning.held() == set()


def test_a_number_that_is_blocked_is_not_put_back_either(world: World, exchange: Exchange) -> None:
    exchange.by_hand(LINE, KEES)
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.decide(link, keep=True)
    world.go()
    blocking.block_number(world.rt, KEES, actor="support:desk")
    world.go(minutes(60))
    assert world.held() == set()
    exchange.by_hand(LINE, PIET)
    world.clock.at += minutes(2)
    switching.sweep(world.rt, "main")
    blocking.block_number(world.rt, PIET, actor="support:desk")
    world.go()
    assert world.held() == set(), "one that stands there now ends at once"


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


@pytest.mark.parametrize("revisions", [True, False], ids=["with revisions", "without"])
@pytest.mark.parametrize("why", ["refused", "paused", "before it was linked", "never applied"])
def test_a_number_by_hand_is_theirs_also_where_an_appointment_never_counted(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch, why: str, revisions: bool
) -> None:
    if not revisions:
        plain = type(exchange)
        monkeypatch.setattr(
            exchange, "read", lambda line: Applied(plain.read(exchange, line).destinations, 0)
        )
        monkeypatch.setattr(
            exchange,
            "read_all",
            lambda: (LineState(s.line, s.destinations, 0) for s in plain.read_all(exchange)),
        )
    link = world.link()
    reason = "invitation" if why == "refused" else None
    start = minutes(-100) if why == "before it was linked" else minutes(10)
    world.window(link, JAN, start, start + minutes(50), reason=reason)
    if why == "paused":
        world.change(link, paused_at=world.clock.at)
    if why == "never applied":
        exchange.before = lambda line: AuthFailed("401")
    world.go()
    world.go(minutes(10))
    exchange.before = lambda line: None
    switching.sweep(world.rt, "main")
    world.change(link, paused_at=world.clock.at)  # whatever was refused does not start now
    world.go(minutes(20))
    for values in ((KEES,), (), (JAN,)):
        exchange.by_hand(LINE, *values)
    world.clock.at += timedelta(seconds=5)
    report = switching.sweep(world.rt, "main")
    assert (report.repaired, report.left_alone) == (0, 1)
    world.go(world.clock.at + timedelta(seconds=1))
    assert world.held() == {JAN}


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
    assert "took more than" in switching.sweep(world.rt, "main").failed
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
    for looks in range(1, 4):
        world.clock.at += timedelta(seconds=1)
        assert switching.sweep(world.rt, "main").read == 2
        marked = sum(switches_of(world.rt, link)[0].read_back_at is not None for link in links)
        assert marked == 2 * looks


def test_a_line_that_is_being_switched_is_not_told_as_read_back(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.clock.at += timedelta(seconds=1)
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


def test_a_look_just_before_an_edge_leaves_a_plan_alone(planning: World) -> None:
    """An edge is recorded some seconds ahead; the exchange is right to hold the set before it."""
    exchange = planning.rt.telephony["main"]
    assert isinstance(exchange, MemoryTelephony)
    link = planning.link()
    planning.window(link, JAN, minutes(10), minutes(15))
    planning.go()
    written = len(exchange.exchange.history)
    for edge in (10, 15):
        planning.clock.at = MONDAY + minutes(edge) - timedelta(seconds=4)
        [batch] = switching.due_batches(planning.rt)
        switching.prepare(planning.rt, batch.pbx, batch.link_ids, batch.due_at)
        for _ in range(3):
            planning.clock.at += timedelta(seconds=1)
            assert switching.sweep(planning.rt, "main").repaired == 0
        planning.go(minutes(edge))
        assert switching.sweep(planning.rt, "main").repaired == 0
        assert planning.held() == ({JAN} if edge == 10 else set())
    assert len(exchange.exchange.history) == written
    assert planning.row(link).reasserted_at is None


def test_a_plan_that_somebody_undid_is_handed_over_anew(planning: World) -> None:
    exchange = planning.rt.telephony["main"]
    assert isinstance(exchange, MemoryTelephony)
    link = planning.link()
    planning.window(link, JAN, minutes(10), minutes(60))
    planning.go()
    planning.go(minutes(10))
    held = exchange.read(LINE)
    exchange.exchange.put(LINE, Held(frozenset(), held.revision + 1))
    planning.clock.at += timedelta(seconds=30)
    assert switching.sweep(planning.rt, "main").repaired == 1
    planning.go()
    assert planning.held() == {JAN}
    assert planning.row(link).reasserted_at is not None


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
