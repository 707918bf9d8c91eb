"""What breaks one line, an adapter or one account does not touch the others, and is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gcal_plugin.domain.destination import Destination
from gcal_plugin.ports import Line
from gcal_plugin.services import alarms, switching
from gcal_plugin.store.tables import Activity
from gcal_plugin.telephony.exchange import Held
from tests.support.exchanges import Exchange, Trouble
from tests.support.lines import JAN, KEES, MONDAY, PIET, World, minutes

BAD = Line("bakkerij.example", "300")


def seconds(world: World, count: int) -> None:
    """Let time pass, from due instant to due instant."""
    world.walk(world.clock.at - MONDAY + timedelta(seconds=count))


def breaking(error: Exception) -> Trouble:
    """An adapter that raises `error` at each write to the bad line."""

    def before(line: Line) -> None:
        if line == BAD:
            raise error

    return before


def mended(line: Line) -> None:
    """No trouble."""


# -- an adapter that raises what its port does not name ------------------------------------------


def test_an_adapter_that_breaks_on_one_line_keeps_nobody_else(
    world: World, exchange: Exchange
) -> None:
    bad, good = world.link("300"), world.link("301")
    world.go()
    exchange.before = breaking(ValueError("a bug in an adapter"))
    for link in (bad, good):
        world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    assert world.held("301") == {JAN}, "at once, though one bulk write had both"
    seconds(world, 30)
    row = world.row(bad)
    assert row.quarantined_at is not None
    assert row.last_error == "ValueError: a bug in an adapter"
    with world.rt.store.begin() as session:
        assert "quarantined" in {one.what for one in session.query(Activity)}
    exchange.before = mended
    seconds(world, 30)
    assert world.held("300") == {JAN}, "within half a minute after it was mended"
    row = world.row(bad)
    assert (row.quarantined_at, row.last_error, row.failures) == (None, None, 0)


def test_an_end_runs_when_a_broken_adapter_is_mended(world: World, exchange: Exchange) -> None:
    link = world.link("300")
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    exchange.before = breaking(KeyError("sunday"))
    world.go(minutes(60))
    seconds(world, 120)
    assert world.row(link).quarantined_at is not None
    exchange.before = mended
    seconds(world, 31)
    assert world.held("300") == set()


def test_a_connection_that_an_adapter_did_not_translate_is_silence(
    world: World, exchange: Exchange
) -> None:
    link = world.link("300")
    world.go()
    exchange.before = breaking(ConnectionRefusedError("refused"))
    world.window(link, JAN, minutes(0), minutes(60))
    seconds(world, 60)
    row = world.row(link)
    assert row.last_error == "ConnectionRefusedError: refused"
    assert row.quarantined_at is None
    exchange.before = mended
    seconds(world, 31)
    assert world.held("300") == {JAN}


def test_what_stands_on_a_line_that_cannot_be_read_is_not_written_over(
    world: World, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.by_hand(BAD, PIET)
    link = world.link("300")
    monkeypatch.setattr(exchange, "read", lambda line: int("odd"))
    world.window(link, JAN, minutes(0), minutes(60))
    seconds(world, 30)
    assert world.row(link).quarantined_at is not None
    monkeypatch.undo()
    assert world.held("300") == {PIET}


def test_a_revision_that_cannot_be_stored_spoils_its_own_line_only(
    world: World, exchange: Exchange
) -> None:
    bad, good = world.link("300"), world.link("301")
    world.go()
    for link in (bad, good):
        world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    held = Held(frozenset({Destination.parse(JAN)}), 2**63 + 5)
    exchange.exchange._held[BAD] = held
    for link in (bad, good):
        world.window(link, PIET, minutes(0), minutes(60))
    seconds(world, 60)
    assert world.held("301") == {JAN, PIET}
    row = world.row(good)
    assert (row.observed, row.settled) == ([["number", JAN], ["number", PIET]], row.generation)
    row = world.row(bad)
    assert row.quarantined_at is not None
    assert "cannot be stored" in (row.last_error or "")
    exchange.by_hand(Line("bakkerij.example", "301"), KEES)
    assert switching.sweep(world.rt, "main").repaired >= 1, (
        "nor does it keep others from being read"
    )
    world.go()
    assert world.held("301") == {JAN, PIET}


# -- a line whose own data nobody understands -----------------------------------------------------


def test_a_window_that_this_version_cannot_read_is_closed_and_the_others_count(
    world: World,
) -> None:
    """As after a roll-back, with what a newer version stored."""
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.window(link, PIET, minutes(55), minutes(300), reason="something_newer")
    world.walk(minutes(56))
    assert world.held() == {JAN}
    row = world.row(link)
    assert row.refused == [["number", PIET, "not_understood"]]
    assert (row.last_error, row.quarantined_at) == (None, None)
    world.walk(minutes(60))
    assert world.held() == set()


def test_a_fallback_that_is_no_number_counts_as_none(world: World) -> None:
    link = world.link()
    world.window(link, JAN, minutes(0), minutes(60))
    world.go()
    world.change(link, fallback_number="nonsense", state="reconnect")
    world.go()
    assert world.held() == set()
    assert world.row(link).last_error is None


def test_what_is_over_ends_on_a_line_that_cannot_be_worked_out(world: World) -> None:
    link, other = world.link(), world.link("201")
    for one in (link, other):
        world.window(one, JAN, minutes(0), minutes(60))
        world.window(one, PIET, minutes(0), minutes(90))
        world.window(one, KEES, minutes(80), minutes(120))
    world.go()
    world.change(link, state="a_newer_one")
    world.walk(minutes(59))
    row = world.row(link)
    assert row.quarantined_at is not None
    assert "a_newer_one" in (row.last_error or "")
    assert world.held() == {JAN, PIET}
    world.walk(minutes(61))
    assert world.held() == {PIET}
    assert world.row(link).quarantined_at is not None, "and it stays set apart"
    world.walk(minutes(85))
    assert world.held() == {PIET}, "nothing starts"
    world.walk(minutes(91))
    assert world.held() == set()
    assert world.held("201") == {KEES}
    world.change(link, state="linked")
    world.go()
    assert world.held() == {KEES}


# -- a portal that breaks over one account --------------------------------------------------------


def test_a_portal_that_breaks_over_one_account_keeps_nobody_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = world.link("300", account_id="jan")
    bad = world.link("301", account_id="boom")
    gone = world.link("302", account_id="boom")
    for link in (good, bad, gone):
        world.window(link, JAN, minutes(0), minutes(60))
        world.window(link, PIET, minutes(30), minutes(90))
    world.go()
    plain = world.rt.portal.account

    def account(account_id: str) -> object:
        if account_id == "boom":
            raise KeyError(account_id)
        return plain(account_id)

    monkeypatch.setattr(world.rt.portal, "account", account)
    world.walk(minutes(10))
    world.change(gone, paused_at=world.clock.at)
    world.walk(minutes(31))
    assert world.held("300") == {JAN, PIET}
    assert world.held("301") == {JAN}, "nothing starts"
    assert world.held("302") == set(), "a pause takes no rules"
    row = world.row(bad)
    assert row.quarantined_at is not None
    assert row.last_error == "the portal did not answer: KeyError: 'boom'"
    world.walk(minutes(60))
    assert world.held("301") == set()
    monkeypatch.undo()
    world.walk(minutes(60.5))
    assert world.held("301") == {PIET}, "within half a minute after the portal is right again"
    assert world.row(bad).quarantined_at is None


def test_a_letter_that_cannot_be_written_holds_up_no_switch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = world.link(policy={"max_simultaneous": 1})

    def limit_reached(*_: object) -> bool:
        raise LookupError("nobody to write to")

    monkeypatch.setattr(alarms, "limit_reached", limit_reached)
    world.window(link, JAN, minutes(0), minutes(60))
    world.window(link, PIET, minutes(5), minutes(60))
    world.go()
    world.walk(minutes(6))
    assert world.held() == {JAN}
    row = world.row(link)
    assert (row.refused, row.last_error) == ([["number", PIET, "too_many"]], None)
