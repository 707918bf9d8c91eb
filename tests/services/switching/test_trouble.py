"""When the exchange, a worker or a person misbehaves: nothing is lost, nothing is written twice."""

from __future__ import annotations

from datetime import timedelta

from gcal_plugin.domain.destination import Destination
from gcal_plugin.ports import (
    AuthFailed,
    InvalidDestination,
    Line,
    TelephonyError,
    Temporary,
)
from gcal_plugin.services import switching
from gcal_plugin.services.ledger import switches_of
from gcal_plugin.services.switching.breaker import OPENS_AFTER, Breaker
from gcal_plugin.store.tables import Activity
from tests.support.exchanges import Exchange
from tests.support.lines import JAN, KEES, PIET, World, minutes

LINE = Line("bakkerij.example", "200")
SECOND = timedelta(seconds=1)


def once(error: TelephonyError):
    """Trouble for the first write only."""
    left = [error]
    return lambda line: left.pop() if left else None


def until_settled(world: World, link, seconds: int = 120) -> None:
    """Let time pass second by second, as a clock does, until nothing is due."""
    for _ in range(seconds):
        world.go(world.clock.at + SECOND)
        row = world.row(link)
        if row.last_error is None and (row.due_at is None or row.due_at > world.clock.at):
            return


def test_silence_is_tried_again_soon(world: World, exchange: Exchange) -> None:
    link = world.link()
    exchange.before = once(Temporary("no answer"))
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    row = world.row(link)
    assert row.last_error == "no answer"
    assert row.due_at is not None
    assert row.due_at - world.clock.at < SECOND
    until_settled(world, link)
    assert world.held() == {JAN}
    assert world.row(link).failures == 0
    assert [one.outcome for one in switches_of(world.rt, link)] == ["done", "temporary"]


def test_an_answer_lost_after_the_write_is_read_before_it_is_written_again(
    world: World, exchange: Exchange
) -> None:
    link = world.link()
    exchange.after = once(Temporary("cut"))
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    reads = exchange.asked.reads
    until_settled(world, link)
    assert exchange.asked.reads == reads + 1
    assert len(exchange.exchange.history) == 1
    assert world.row(link).observed == [["number", JAN]]


def test_retry_after_is_honoured(world: World, exchange: Exchange) -> None:
    link = world.link()
    exchange.before = once(Temporary("busy", retry_after=40))
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    due = world.row(link).due_at
    assert due is not None
    assert due - world.clock.at == timedelta(seconds=40)


def test_a_refusing_exchange_is_asked_five_times_at_most(world: World, exchange: Exchange) -> None:
    link = world.link()
    exchange.before = lambda line: AuthFailed("401")
    world.window(link, JAN, minutes(0), timedelta(days=2))
    for _ in range(200):
        world.go(world.clock.at + minutes(1))
    assert exchange.asked.writes == 5
    assert world.row(link).last_error == "401"
    with world.rt.store.begin() as session:
        assert [one.what for one in session.query(Activity)] == ["refused"]
    exchange.before = lambda line: None
    world.go(timedelta(days=2))
    assert world.held() == set()


def test_one_bad_destination_does_not_sink_the_others(world: World, exchange: Exchange) -> None:
    link = world.link()
    exchange.exchange.refused = frozenset({Destination.parse(PIET)})
    for value in (JAN, PIET, KEES):
        world.window(link, value, minutes(0), minutes(60))
    world.go()
    assert world.held() == {JAN, KEES}
    row = world.row(link)
    assert row.refused == [["number", PIET, "refused_by_pbx"]]
    assert row.due_at is not None
    assert row.due_at > world.clock.at
    world.go(minutes(60))
    assert world.held() == set()


def test_a_refused_destination_that_nobody_names_is_found(world: World, exchange: Exchange) -> None:
    link = world.link()
    good = frozenset({Destination.parse(JAN), Destination.parse(KEES)})

    plain = exchange.replace

    def replace(line, destinations, *, revision, expires_at=None):
        if not destinations <= good:
            raise InvalidDestination("something in there is wrong")
        return plain(line, destinations, revision=revision, expires_at=expires_at)

    exchange.replace = replace  # type: ignore[method-assign]
    for value in (JAN, PIET, KEES):
        world.window(link, value, minutes(0), minutes(60))
    world.go()
    assert world.held() == {JAN, KEES}
    assert world.row(link).refused == [["number", PIET, "refused_by_pbx"]]


def test_when_the_only_destination_is_refused_the_former_one_still_ends(
    world: World, exchange: Exchange
) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(30))
    world.window(link, PIET, minutes(30), minutes(60))
    world.go()
    exchange.exchange.refused = frozenset({Destination.parse(PIET)})
    world.go(minutes(30))
    assert world.held() == set()
    assert world.row(link).refused == [["number", PIET, "refused_by_pbx"]]


def test_only_the_failed_part_of_a_batch_is_tried_again(world: World, exchange: Exchange) -> None:
    links = [world.link(str(300 + number)) for number in range(6)]
    world.go()
    bad = {Line("bakkerij.example", "301"), Line("bakkerij.example", "304")}
    exchange.before = lambda line: Temporary("later") if line in bad else None
    for link in links:
        world.window(link, JAN, minutes(1), minutes(60))
    world.go()
    world.go(minutes(1))
    exchange.before = lambda line: None
    exchange.asked.lines.clear()
    for _ in range(10):
        world.go(world.clock.at + SECOND)
    assert sorted(exchange.asked.lines) == sorted(bad)
    assert all(world.held(str(300 + number)) == {JAN} for number in range(6))


def test_a_poisoned_line_is_set_apart_and_the_others_switch(world: World) -> None:
    links = [world.link(str(300 + number)) for number in range(3)]
    for link in links:
        world.window(link, JAN, minutes(0), minutes(60))
    world.change(links[1], state="a_newer_one")
    for _ in range(30):
        world.go(world.clock.at + SECOND)
    assert [world.held(str(300 + number)) for number in range(3)] == [{JAN}, set(), {JAN}]
    row = world.row(links[1])
    assert row.quarantined_at is not None
    assert "ValueError" in (row.last_error or "")
    world.change(links[1], state="linked")
    world.go()
    assert world.held("301") == {JAN}
    assert world.row(links[1]).quarantined_at is None


def test_a_worker_that_was_overtaken_records_nothing(world: World, exchange: Exchange) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    [slow] = switching.prepare(world.rt, "main", [link]).armed
    world.change(link, killed_at=world.clock.at)
    world.go()
    switching.look_again(world.rt, slow)
    switching.fire(world.rt, slow)
    switching.finish(world.rt, slow)
    assert world.held() == set()
    assert slow.report.overtaken == 1
    # The stop wrote, since the slow one might have been sending; the slow one did not.
    assert [write.held.destinations for write in exchange.exchange.history] == [frozenset()]


def test_a_stale_write_bounces_off_an_exchange_that_fences(
    world: World, exchange: Exchange
) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    [slow] = switching.prepare(world.rt, "main", [link]).armed
    world.change(link)
    event = world.window(link, PIET, minutes(0), minutes(60))
    world.go()
    assert world.held() == {JAN, PIET}
    switching.fire(world.rt, slow)  # it never looked again
    switching.finish(world.rt, slow)
    assert world.held() == {JAN, PIET}
    world.drop(link, event)
    world.go()
    assert world.held() == {JAN}


def test_nothing_is_sent_when_the_lease_is_about_to_end(world: World, exchange: Exchange) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    [armed] = switching.prepare(world.rt, "main", [link]).armed
    world.clock.at += timedelta(seconds=60)
    switching.look_again(world.rt, armed)
    switching.fire(world.rt, armed)
    assert exchange.asked.writes == 0
    switching.finish(world.rt, armed)
    world.go()
    assert world.held() == {JAN}


def test_a_batch_that_waited_too_long_holds_on_to_what_nobody_took_over(
    world: World, exchange: Exchange
) -> None:
    kept, taken, changed = world.link("200"), world.link("201"), world.link("202")
    links = [kept, taken, changed]
    for link in links:
        world.window(link, JAN, minutes(0), minutes(60))
    [armed] = switching.prepare(world.rt, "main", links).armed
    world.clock.at += timedelta(seconds=60)
    switching.switch_batch(world.rt, "main", [taken])
    world.change(changed, paused_at=world.clock.at)
    writes = exchange.asked.writes
    with world.rt.store.begin() as session:
        armed.clock.look(world.rt, session)
    switching.hold_on(world.rt, armed)
    assert armed.report.overtaken == 2
    assert switching.prepare(world.rt, "main", [kept]).armed == [], "its lease goes on"
    switching.fire(world.rt, armed)
    assert exchange.asked.writes == writes + 1
    switching.finish(world.rt, armed)
    world.go()
    assert (world.held("200"), world.held("201"), world.held("202")) == ({JAN}, {JAN}, set())
    rest = [line.extension for line in exchange.asked.lines[writes:]]
    assert rest == ["200", "202"], "nothing is done twice, and the pause moves the fence"
    assert world.row(kept).last_error is None


def test_a_dead_worker_is_replaced_when_its_lease_ends(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    assert switching.prepare(world.rt, "main", [link]).armed
    world.go(timedelta(seconds=14))
    assert world.held() == set()
    world.go(timedelta(seconds=16))
    assert world.held() == {JAN}


def test_running_the_same_job_twice_writes_once(world: World, exchange: Exchange) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    [first] = switching.prepare(world.rt, "main", [link]).armed
    second = switching.switch_batch(world.rt, "main", [link])
    assert second.claimed == 0
    switching.fire(world.rt, first)
    switching.finish(world.rt, first)
    assert switching.switch_batch(world.rt, "main", [link]).claimed == 0
    assert exchange.asked.writes == 1


def test_the_breaker_holds_writes_back_and_probes(world: World) -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(OPENS_AFTER):
        assert breaker.waits() == 0
        breaker.silent()
    assert breaker.open
    assert breaker.waits() > 0
    now[0] += 1.5
    assert breaker.waits() == 0  # the probe
    assert breaker.waits() > 0  # everybody else
    breaker.silent()
    assert breaker.waits() > 1
    now[0] += 3
    assert breaker.waits() == 0
    breaker.answered()
    assert breaker.waits() == 0
    assert not breaker.open


def test_a_dead_exchange_is_left_alone_for_a_while(world: World, exchange: Exchange) -> None:
    links = [world.link(str(300 + number)) for number in range(OPENS_AFTER + 3)]
    exchange.before = lambda line: Temporary("dead")
    exchange.reading = lambda: Temporary("dead")
    for link in links:
        world.window(link, JAN, minutes(0), minutes(60))
        world.go()
    assert exchange.asked.reads + exchange.asked.writes == OPENS_AFTER
    assert world.row(links[-1]).failures == 0


def test_exchanges_that_chain_forwards_get_no_rings(world: World) -> None:
    exchange = Exchange("main", clock=world.clock, chains_forwards=True)
    world.rt.telephony["main"] = exchange  # type: ignore[index]
    first, second = world.link("200"), world.link("201")
    world.window(first, "201", minutes(0), minutes(60))
    world.go()
    world.window(second, "200", minutes(10), minutes(60))
    world.go(minutes(10))
    assert world.held("201") == set()
    assert world.row(second).refused == [["extension", "200", "loop"]]


def test_small_exchanges_share_a_batch_and_keep_their_lines_together() -> None:
    from uuid import uuid4

    from gcal_plugin.services.switching.due import _pooled
    from gcal_plugin.store.queries_switching import Due
    from tests.support.lines import MONDAY

    groups = [
        [Due(uuid4(), f"t{number}", f"pbx{number}", MONDAY) for _ in range(40)]
        for number in range(30)
    ]
    batches = _pooled(groups, 500, None)
    assert [len(batch.link_ids) for batch in batches] == [480, 480, 240]
    for lines in groups:
        ids = {line.link_id for line in lines}
        assert sum(bool(ids & set(batch.link_ids)) for batch in batches) == 1
