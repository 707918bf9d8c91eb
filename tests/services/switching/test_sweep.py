"""Reading a whole exchange back: drift is mended, what others set is left alone, nothing flaps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gcal_plugin.domain.destination import Destination
from gcal_plugin.ports import (
    Applied,
    AuthFailed,
    Line,
    LineState,
    Temporary,
)
from gcal_plugin.services import blocking, switching
from gcal_plugin.services.ledger import switches_of
from gcal_plugin.services.switching import push
from gcal_plugin.store.tables import Activity, Forwarding, LedgerEntry
from gcal_plugin.telephony.exchange import Held
from gcal_plugin.telephony.memory import MemoryTelephony
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, KEES, MONDAY, PIET, World, minutes

LINE = Line("bakkerij.example", "200")


def told(world: World) -> list[str]:
    with world.rt.store.begin() as session:
        return [one.what for one in session.query(Activity).order_by(Activity.id)]


def without_revisions(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """As FreePBX and BroadWorks: it has no room for a revision, so it reads as 0."""
    plain = type(exchange)
    monkeypatch.setattr(
        exchange, "read", lambda line: Applied(plain.read(exchange, line).destinations, 0)
    )
    monkeypatch.setattr(
        exchange,
        "read_all",
        lambda: (LineState(s.line, s.destinations, 0) for s in plain.read_all(exchange)),
    )


def test_a_healthy_exchange_needs_nothing(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.clock.at += timedelta(seconds=30)
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


@pytest.mark.parametrize("revisions", [True, False], ids=["with revisions", "without"])
def test_a_forward_of_a_day_that_a_restored_database_forgot_is_cleared(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch, revisions: bool
) -> None:
    """Switched after the backup was made, over before it was put back; the calendar knows it."""
    link = world.link()
    world.window(link, JAN, minutes(30), minutes(40))
    exchange.by_hand(LINE, JAN)
    exchange.exchange._held[LINE] = Held(exchange.read(LINE).destinations, 9 if revisions else 0)
    with world.rt.store.begin() as session:
        row = session.get_one(Forwarding, link)
        row.observed, row.due_at, row.revision, row.generation, row.settled = [], None, 4, 4, 4
    if not revisions:
        without_revisions(exchange, monkeypatch)
    world.clock.at = MONDAY + minutes(60)
    assert switching.sweep(world.rt, "main").repaired == 1
    world.go()
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


@pytest.mark.parametrize("revisions", [True, False], ids=["with revisions", "without"])
@pytest.mark.parametrize("why", ["refused", "paused", "before it was linked", "never applied"])
def test_a_number_by_hand_is_theirs_also_where_an_appointment_never_counted(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch, why: str, revisions: bool
) -> None:
    if not revisions:
        without_revisions(exchange, monkeypatch)
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
