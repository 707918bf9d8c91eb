"""Letters of one request: in the order of what happened, and to the address of now."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from gcal_plugin.ports import MailRefused
from gcal_plugin.services import alarms, outbox
from gcal_plugin.services.access import as_support
from gcal_plugin.services.onboarding import desk, ending, quoting
from gcal_plugin.store.tables import Link, MailOut
from tests.support.portal import DESK, JAN

from .conftest import World
from .test_life import OFFER, ask, quoted, ready

BUSY = MailRefused("421 down")
GONE = MailRefused("550 no such mailbox", permanent=True)


def deliver_later(world: World) -> list[str]:
    """Let the mail server come back; answers the subjects that Jan got, in their order."""
    for _ in range(6):
        world.pass_time(minutes=20)
        world.deliver()
    return world.mailbox.subjects(JAN.email)


def test_what_was_held_up_goes_out_in_the_order_of_what_happened(world: World) -> None:
    ask(world)
    world.mailbox.refuse = [BUSY] * 2
    world.deliver()
    request_id = world.rows(MailOut)[0].request_id
    quoting.make_quote(world.rt, DESK, request_id, None, OFFER)
    desk.write_note(world.rt, DESK, request_id, None, "Een")
    world.pass_time(seconds=1)
    desk.write_note(world.rt, DESK, request_id, None, "Twee")
    world.deliver()
    assert deliver_later(world) == [
        "Je aanvraag voor extensie 200 is ontvangen",
        "Je offerte voor extensie 200",
        "Bericht over je aanvraag voor extensie 200",
        "Bericht over je aanvraag voor extensie 200",
    ]
    notes = [mail.text for mail in world.mailbox.letters if "Bericht" in mail.subject]
    assert ["Een" in text for text in notes] == [True, False]


def test_one_that_was_refused_for_now_is_not_overtaken(world: World) -> None:
    request_id = quoted(world)
    world.deliver()
    world.mailbox.letters.clear()
    desk.write_note(world.rt, DESK, request_id, None, "Een")
    world.mailbox.refuse = [BUSY]
    world.deliver()
    desk.write_note(world.rt, DESK, request_id, None, "Twee")
    world.deliver()
    assert world.mailbox.letters == []
    deliver_later(world)
    assert ["Een" in mail.text for mail in world.mailbox.letters] == [True, False]


def test_one_that_will_never_arrive_holds_up_nothing(world: World) -> None:
    request_id = quoted(world)
    world.deliver()
    world.mailbox.letters.clear()
    desk.write_note(world.rt, DESK, request_id, None, "Een")
    world.mailbox.refuse = [GONE]
    world.deliver()
    desk.write_note(world.rt, DESK, request_id, None, "Twee")
    world.deliver()
    assert ["Twee" in mail.text for mail in world.mailbox.letters] == [True]


def test_the_letters_of_others_are_not_held_up(world: World) -> None:
    first = ask(world)
    world.mailbox.refuse = [BUSY] * 2
    world.deliver()
    ask(world, "201")
    world.deliver()
    assert world.mailbox.subjects(JAN.email) == ["Je aanvraag voor extensie 201 is ontvangen"]
    assert first in {row.request_id for row in world.rows(MailOut, MailOut.state == "waiting")}


def test_after_the_end_nobody_reads_that_it_is_ready(world: World) -> None:
    request_id = ready(world)
    world.mailbox.refuse = [BUSY] * 2
    world.deliver()
    assert world.mailbox.letters == []
    ending.end_contract(world.rt, DESK, request_id, None)
    assert deliver_later(world) == ["De Google Calendar Integratie van extensie 200 is gestopt"]


def test_a_request_that_was_cancelled_sends_no_quote_any_more(world: World) -> None:
    request_id = quoted(world)
    ending.cancel(world.rt, JAN, request_id, None, as_desk=False)
    world.deliver()
    assert world.mailbox.subjects(JAN.email) == ["Je aanvraag voor extensie 200 is geannuleerd"]


def test_of_two_quotes_that_wait_the_last_one_goes_out(world: World) -> None:
    request_id = quoted(world)
    quoting.make_quote(world.rt, DESK, request_id, None, replace(OFFER, monthly="15"))
    world.deliver()
    [mail] = [one for one in world.mailbox.letters if "offerte" in one.subject]
    assert "EUR 15,00 per maand" in mail.text


def test_what_support_wrote_is_never_taken_back(world: World) -> None:
    request_id = quoted(world)
    desk.write_note(world.rt, DESK, request_id, None, "Bel me even")
    ending.cancel(world.rt, DESK, request_id, None, as_desk=True)
    world.deliver()
    assert any("Bel me even" in mail.text for mail in world.mailbox.letters)


# -- an end that is taken back -------------------------------------------------------------------


def test_an_end_taken_back_before_anybody_read_of_it_is_told_to_nobody(world: World) -> None:
    request_id = ready(world)
    world.deliver()
    world.mailbox.letters.clear()
    ending.end_contract(world.rt, DESK, request_id, None, ends_on="2026-03-20")
    ending.keep_contract(world.rt, DESK, request_id, None)
    world.deliver()
    assert world.mailbox.letters == []


@pytest.mark.parametrize("times", [1, 2])
def test_an_end_that_was_read_of_and_is_taken_back_is_told(world: World, times: int) -> None:
    request_id = ready(world)
    world.deliver()
    world.mailbox.letters.clear()
    for _ in range(times):
        ending.end_contract(world.rt, DESK, request_id, None, ends_on="2026-03-20")
        world.deliver()
        ending.keep_contract(world.rt, DESK, request_id, None)
        world.deliver()
    assert (
        world.mailbox.subjects(JAN.email)
        == [
            "De Google Calendar Integratie van extensie 200 stopt",
            "De Google Calendar Integratie van extensie 200 gaat toch door",
        ]
        * times
    )


def test_the_letter_of_the_end_says_that_the_last_day_counts(world: World) -> None:
    request_id = ready(world)
    world.deliver()
    ending.end_contract(world.rt, DESK, request_id, None, ends_on="2026-03-20")
    world.deliver()
    assert "Tot en met 20 maart 2026 blijft alles werken" in world.mailbox.letters[-1].text


# -- trying again, where the person has another address now --------------------------------------


def try_again(world: World) -> None:
    viewer = as_support(DESK)
    assert viewer is not None
    for mail in outbox.failed(world.rt, viewer):
        outbox.retry(world.rt, viewer, mail.id, actor="support:desk")
    world.deliver()


def test_a_letter_that_bounced_goes_to_the_address_of_now(world: World) -> None:
    ask(world)
    world.mailbox.refuse = [GONE] * 2
    world.deliver()
    world.portal.people["jan"] = replace(JAN, email="jan@goed.example")
    world.portal.resellers["bel"] = replace(
        world.portal.resellers["bel"], support_email="hulp@bel.example"
    )
    try_again(world)
    assert sorted(mail.to for mail in world.mailbox.letters) == [
        ("hulp@bel.example",), ("jan@goed.example",),
    ]  # fmt: skip


def test_so_does_one_about_a_broken_link_and_the_second_contact(world: World) -> None:
    ready(world)
    world.deliver()
    world.mailbox.letters.clear()
    with world.rt.store.begin() as session:
        link = session.get_one(Link, world.rows(Link)[0].id)
        link.second_contact = "els@fout.example"
        alarms.link_broken(world.rt, session, link, "revoked", world.instant)
    world.mailbox.refuse = [GONE] * 2
    world.deliver()
    world.portal.people["jan"] = replace(JAN, email="jan@goed.example")
    with world.rt.store.begin() as session:
        session.get_one(Link, world.rows(Link)[0].id).second_contact = "els@goed.example"
    try_again(world)
    assert sorted(mail.to for mail in world.mailbox.letters) == [
        ("els@goed.example",), ("jan@goed.example",),
    ]  # fmt: skip


def test_where_nobody_better_is_known_the_address_stays(world: World) -> None:
    ask(world)
    world.mailbox.refuse = [GONE] * 2
    world.deliver()
    del world.portal.people["jan"]
    try_again(world)
    assert (JAN.email,) in [mail.to for mail in world.mailbox.letters]


# -- the reminder of a quote ----------------------------------------------------------------------


def test_a_quote_of_two_days_is_not_followed_by_a_reminder_at_once(world: World) -> None:
    request_id = ask(world)
    quoting.make_quote(world.rt, DESK, request_id, None, replace(OFFER, valid_until="2026-03-04"))
    for _ in range(4):
        world.pass_time(hours=12)
        quoting.remind(world.rt)
    world.deliver()
    assert not [s for s in world.mailbox.subjects(JAN.email) if "verloopt bijna" in s]


def test_a_note_about_a_quote_keeps_no_reminder_back(world: World) -> None:
    request_id = quoted(world)
    world.instant += timedelta(days=26)
    desk.write_note(world.rt, DESK, request_id, None, "Nog vragen?")
    world.instant += timedelta(days=1)
    assert quoting.remind(world.rt) == 1


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
def test_ten_thousand_letters_that_wait_keep_nobody_waiting(world: World) -> None:
    """A whole import: looking for the next letter once took seconds, it takes hundredths of one."""
    with world.rt.store.begin() as session:
        session.execute(
            sa.insert(MailOut),
            [
                {
                    "key": f"k{number}", "kind": "note", "tenant_id": "bel", "values": {},
                    "recipient": f"a{number}@b.example", "request_id": uuid4(), "tries": 0,
                    "created_at": world.instant, "next_try_at": world.instant,
                }
                for number in range(10_000)
            ],
        )  # fmt: skip
    began = time.perf_counter()
    assert outbox._claim(world.rt) is not None
    assert time.perf_counter() - began < 1.5
