"""A request's way through all of its states, with its letters and its history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from gcal_plugin.domain.request_state import RequestState
from gcal_plugin.services.onboarding import asking, building, desk, direct, ending, quoting
from gcal_plugin.services.onboarding.asking import Asked
from gcal_plugin.services.onboarding.errors import (
    ChangedMeanwhile,
    NotOnExchange,
    NotPossible,
    QuoteExpired,
    WrongFields,
)
from gcal_plugin.services.onboarding.quoting import Offer
from gcal_plugin.store.scope import NotInReach
from gcal_plugin.store.tables import Audit, Link, Request, RequestStep
from gcal_plugin.telephony.pull import PullConfig, PullTelephony
from tests.support.portal import ANNA, DESK, JAN, PIET

from .conftest import World

OFFER = Offer(
    once="25", monthly="12,50", valid_until="2026-03-31", summary="Maandelijks opzegbaar."
)


def ask(world: World, extension: str = "200") -> UUID:
    return asking.submit(world.rt, JAN, Asked([extension], remarks="Graag snel")).first


def quoted(world: World) -> UUID:
    request_id = ask(world)
    quoting.make_quote(world.rt, DESK, request_id, None, OFFER)
    return request_id


def ready(world: World) -> UUID:
    request_id = quoted(world)
    quoting.agree(world.rt, JAN, request_id, None, quote=1)
    building.start(world.rt, DESK, request_id, None)
    building.finish(world.rt, DESK, request_id, None)
    return request_id


def test_the_whole_way_leaves_a_link_a_history_and_one_letter_for_each_event(world: World) -> None:
    request_id = ready(world)
    [link] = world.rows(Link)
    assert (link.tenant_id, link.account_id, link.extension) == ("bel", "jan", "200")
    seen = desk.request_view(world.rt, JAN, request_id)
    assert seen.state is RequestState.READY
    assert [step.action for step in seen.steps] == [
        "request", "quote", "agree", "provision", "finish",
    ]  # fmt: skip
    assert [step.actor for step in seen.steps] == [
        "customer:jan", "support:desk", "customer:jan", "support:desk", "support:desk",
    ]  # fmt: skip
    assert seen.terms_version == "1"
    world.deliver()
    world.deliver()
    assert world.mailbox.subjects(JAN.email) == [
        "Je aanvraag voor extensie 200 is ontvangen",
        "Je offerte voor extensie 200",
        "Je akkoord voor extensie 200 is ontvangen",
        "Klaar: koppel nu je Google-agenda aan extensie 200",
    ]
    assert world.mailbox.subjects("desk@bel.example") == [
        "Nieuwe aanvraag: K100 Bakkerij Jansen, extensie 200",
        "Akkoord: K100 Bakkerij Jansen, extensie 200",
    ]


def test_the_audit_knows_each_step_by_opaque_ids_alone(world: World) -> None:
    request_id = ready(world)
    entries = [row for row in world.rows(Audit) if row.subject == f"request:{request_id}"]
    assert [row.action for row in entries] == [
        "request_request", "request_quote", "request_agree", "request_provision", "request_finish",
    ]  # fmt: skip
    everything = " ".join(f"{row.actor} {row.subject} {row.detail}" for row in world.rows(Audit))
    for personal in ("Jansen", "jan@bakkerij", "K100", "Graag snel", "bakkerij.example"):
        assert personal not in everything


def test_a_quote_shows_both_prices_with_their_totals_in_dutch_business_words(world: World) -> None:
    quoted(world)
    mail = world.deliver().letters[-1]
    assert "EUR 12,50 per maand excl. btw (EUR 15,13 incl. 21% btw)" in mail.text
    assert "EUR 25,00 excl. btw (EUR 30,25 incl. 21% btw)" in mail.text
    assert "Geldig tot en met: 31 maart 2026" in mail.text
    assert "Maandelijks opzegbaar." in mail.text
    assert "betaal je als uitgaande gesprekken" in mail.text


def test_a_second_request_for_the_same_extension_leads_to_the_first(world: World) -> None:
    first = ask(world)
    again = asking.submit(world.rt, JAN, Asked(["200", "201"]))
    assert again.found == (first,)
    assert len(again.made) == 1
    assert len(world.rows(Request)) == 2


def test_a_colleague_is_told_that_somebody_has_the_extension(world: World) -> None:
    ask(world)
    bram = world.portal.people["bram"] = JAN.__class__(
        id="bram", tenant_id="bel", email="bram@bakkerij.example", domain=JAN.domain
    )
    with pytest.raises(WrongFields) as caught:
        asking.submit(world.rt, bram, Asked(["200"]))
    assert caught.value.faults == {"extensions": "taken"}
    choice = next(c for c in asking.choices(world.rt, bram) or [] if c.extension.number == "200")
    assert (choice.request_id, choice.holder) == (None, "Jan Jansen")


def test_an_administrator_may_ask_for_a_colleague(world: World) -> None:
    made = asking.submit(world.rt, ANNA, Asked(["201"], email=JAN.email, customer_code="K100"))
    [row] = world.rows(Request, Request.id == made.first)
    assert (row.account_id, row.account_email) == ("jan", JAN.email)


def test_a_plain_customer_cannot_ask_in_anothers_name(world: World) -> None:
    asked = Asked(["200"], email=PIET.email, customer_code="HACK", customer_name="Iemand")
    made = asking.submit(world.rt, JAN, asked)
    [row] = world.rows(Request, Request.id == made.first)
    assert (row.account_id, row.customer_code) == ("jan", "K100")


@pytest.mark.parametrize(
    "extensions, fault",
    [
        ([], "no_extension"),
        (["999"], "unknown_extension"),
        (["20 0"], "not_an_extension"),
        (["200; DROP TABLE"], "not_an_extension"),
        (["２００"], "not_an_extension"),
        (["<b>200</b>"], "not_an_extension"),
        ([str(n) for n in range(100, 151)], "too_many"),
    ],
)
def test_extensions_that_are_none_are_refused_at_the_field(
    world: World, extensions: list[str], fault: str
) -> None:
    with pytest.raises(WrongFields) as caught:
        asking.submit(world.rt, JAN, Asked(extensions))
    assert caught.value.faults == {"extensions": fault}
    assert world.rows(Request) == []


def test_all_faults_of_a_quote_are_told_at_once(world: World) -> None:
    request_id = ask(world)
    offer = Offer(once="gratis", monthly="-1", vat="200", valid_until="2026-02-30")
    with pytest.raises(WrongFields) as caught:
        quoting.make_quote(world.rt, DESK, request_id, None, offer)
    assert caught.value.faults == {
        "once": "price_unreadable",
        "monthly": "price_negative",
        "vat": "not_a_rate",
        "valid_until": "not_a_date",
    }


def test_agreeing_names_the_quote_that_was_read(world: World) -> None:
    request_id = quoted(world)
    quoting.make_quote(world.rt, DESK, request_id, None, Offer("25", "99", "2026-03-31"))
    with pytest.raises(ChangedMeanwhile):
        quoting.agree(world.rt, JAN, request_id, None, quote=1)
    quoting.agree(world.rt, JAN, request_id, None, quote=2)
    assert desk.request_view(world.rt, JAN, request_id).monthly.amount == Decimal(99)  # type: ignore[union-attr]


def test_a_page_that_was_opened_before_somebody_elses_step_is_refused(world: World) -> None:
    request_id = ask(world)
    version = desk.request_view(world.rt, DESK, request_id, desk=True).version
    desk.take_over(world.rt, DESK, request_id, version)
    with pytest.raises(ChangedMeanwhile):
        quoting.make_quote(world.rt, DESK, request_id, version, OFFER)


def test_an_expired_quote_cannot_be_agreed_to_even_before_the_clock_closed_it(
    world: World,
) -> None:
    request_id = quoted(world)
    world.pass_time(days=40)
    with pytest.raises(QuoteExpired):
        quoting.agree(world.rt, JAN, request_id, None, quote=1)
    assert desk.request_view(world.rt, JAN, request_id).expired
    assert quoting.expire_quotes(world.rt) == 1
    assert quoting.expire_quotes(world.rt) == 0
    with pytest.raises(NotPossible):
        quoting.agree(world.rt, JAN, request_id, None, quote=1)
    quoting.make_quote(world.rt, DESK, request_id, None, Offer("0", "10", "2026-05-01"))
    assert desk.request_view(world.rt, JAN, request_id).state is RequestState.QUOTED


def test_the_last_day_of_a_quote_counts_in_full(world: World) -> None:
    request_id = quoted(world)
    world.instant = world.instant.replace(month=3, day=31, hour=21, minute=59, second=30)
    quoting.agree(world.rt, JAN, request_id, None, quote=1)
    seen = desk.request_view(world.rt, JAN, request_id)
    assert (seen.state, seen.agreed_at) == (RequestState.AGREED, world.instant)


def test_one_reminder_comes_before_a_quote_ends(world: World) -> None:
    quoted(world)
    world.deliver()
    quoting.remind(world.rt)
    world.pass_time(days=27)
    quoting.remind(world.rt)
    quoting.remind(world.rt)
    world.deliver()
    subjects = world.mailbox.subjects(JAN.email)
    assert subjects.count("Je offerte voor extensie 200 verloopt bijna") == 1


def test_agreeing_after_a_cancel_is_impossible(world: World) -> None:
    request_id = quoted(world)
    ending.cancel(world.rt, DESK, request_id, None, why="dubbel", as_desk=True)
    with pytest.raises(NotPossible):
        quoting.agree(world.rt, JAN, request_id, None, quote=1)


def test_a_declined_request_frees_the_extension_and_can_be_quoted_again(world: World) -> None:
    request_id = quoted(world)
    quoting.decline(world.rt, JAN, request_id, None, quote=1, why="Te duur")
    other = ask(world)
    assert other != request_id
    from gcal_plugin.services.onboarding.errors import AlreadyOpen

    with pytest.raises(AlreadyOpen):
        quoting.make_quote(world.rt, DESK, request_id, None, OFFER)
    ending.cancel(world.rt, JAN, other, None, as_desk=False)
    quoting.make_quote(world.rt, DESK, request_id, None, OFFER)
    assert desk.request_view(world.rt, JAN, request_id).state is RequestState.QUOTED


def test_an_extension_that_the_exchange_does_not_know_is_not_made_ready(world: World) -> None:
    request_id = quoted(world)
    building.start(world.rt, DESK, request_id, None)
    world.pbx.exchange.lines = {JAN.domain: frozenset({"201"})}
    found = building.checklist(world.rt, DESK, request_id)
    assert (found.check.outcome, found.good) == ("unknown", False)
    with pytest.raises(NotOnExchange) as caught:
        building.finish(world.rt, DESK, request_id, None)
    assert caught.value.check == "unknown"
    assert world.rows(Link) == []


def test_a_policy_that_cannot_be_read_is_a_fault_and_not_a_link(world: World) -> None:
    request_id = quoted(world)
    building.start(world.rt, DESK, request_id, None)
    with pytest.raises(WrongFields):
        building.finish(
            world.rt, DESK, request_id, None, policy={"allowed_countries": "everywhere"}
        )
    building.finish(world.rt, DESK, request_id, None, policy={"allowed_countries": ["NL", "BE"]})
    [link] = world.rows(Link)
    assert link.policy == {"allowed_countries": ["NL", "BE"]}


def test_more_at_once_than_the_exchange_takes_is_refused_before_it_is_promised(
    world: World,
) -> None:
    request_id = quoted(world)
    building.start(world.rt, DESK, request_id, None)
    world.pbx.capabilities = PullTelephony("main", PullConfig(format="voipgrid")).capabilities
    with pytest.raises(WrongFields, match="main takes 1 at once"):
        building.finish(world.rt, DESK, request_id, None, policy={"max_simultaneous": 2})
    assert world.rows(Link) == []
    building.finish(world.rt, DESK, request_id, None, policy={"max_simultaneous": 1})
    assert len(world.rows(Link)) == 1


def test_a_contract_ends_on_its_grace_date_and_not_before(world: World) -> None:
    request_id = ready(world)
    ending.end_contract(world.rt, DESK, request_id, None, ends_on="2026-03-20", why="Opgezegd")
    assert ending.end_due(world.rt) == 0
    assert desk.request_view(world.rt, JAN, request_id).state is RequestState.READY
    world.deliver()
    world.pass_time(days=19)
    assert ending.end_due(world.rt) == 1
    assert ending.end_due(world.rt) == 0
    assert desk.request_view(world.rt, JAN, request_id).state is RequestState.ENDED
    [link] = world.rows(Link)
    assert link.ended_at is not None
    assert world.deliver().subjects(JAN.email)[-2:] == [
        "De Google Calendar Integratie van extensie 200 stopt",
        "De Google Calendar Integratie van extensie 200 is gestopt",
    ]


def test_an_end_can_be_taken_back_before_its_date(world: World) -> None:
    request_id = ready(world)
    ending.end_contract(world.rt, DESK, request_id, None, ends_on="2026-03-20")
    ending.keep_contract(world.rt, DESK, request_id, None)
    world.pass_time(days=30)
    assert ending.end_due(world.rt) == 0


def test_without_a_date_a_contract_ends_now_and_the_extension_is_free(world: World) -> None:
    request_id = ready(world)
    ending.end_contract(world.rt, DESK, request_id, None)
    assert desk.request_view(world.rt, JAN, request_id).state is RequestState.ENDED
    assert world.wake.switched == [world.rows(Link)[0].id]
    assert ask(world) != request_id


def test_what_was_settled_by_telephone_is_ready_at_once_and_once(world: World) -> None:
    first = direct.provision_directly(world.rt, DESK, email=JAN.email, extension="201")
    again = direct.provision_directly(world.rt, DESK, email=JAN.email, extension="201")
    assert first == again
    assert len(world.rows(Link)) == 1
    with pytest.raises(WrongFields) as caught:
        direct.provision_directly(world.rt, DESK, email=ANNA.email, extension="201")
    assert caught.value.faults == {"extension": "taken"}


def test_support_of_another_tenant_and_strangers_see_nothing(world: World) -> None:
    request_id = quoted(world)
    stranger = DESK.__class__(id="x", tenant_id="ander", email="x@x.example", roles=DESK.roles)
    for account in (PIET, stranger):
        with pytest.raises(NotInReach):
            desk.request_view(world.rt, account, request_id)
        with pytest.raises(NotInReach):
            quoting.agree(world.rt, account, request_id, None, quote=1)
    with pytest.raises(NotInReach):
        quoting.make_quote(world.rt, stranger, request_id, None, OFFER)
    with pytest.raises(NotInReach):
        quoting.make_quote(world.rt, JAN, request_id, None, OFFER)
    with pytest.raises(NotInReach):
        desk.request_view(world.rt, JAN, uuid4())
    assert desk.queue(world.rt, stranger, desk.Filter("all")).total == 0


def test_the_queue_shows_age_and_what_is_stuck(world: World) -> None:
    request_id = ask(world)
    world.pass_time(days=4)
    [row] = desk.queue(world.rt, DESK, desk.Filter()).rows
    assert row.id == request_id
    assert row.age == timedelta(days=4)
    assert row.stuck
    assert desk.queue(world.rt, DESK, desk.Filter("all", text="bakk%")).total == 0
    assert desk.queue(world.rt, DESK, desk.Filter("all", text="bakkerij")).total == 1


def test_html_in_every_field_stays_text(world: World) -> None:
    world.portal.people["jan"] = JAN.__class__(
        id="jan", tenant_id="bel", email=JAN.email, name="<b>Jan</b>", domain=JAN.domain,
        customer_code="<i>K</i>", customer_name="<script>alert(1)</script>",
    )  # fmt: skip
    asked = Asked(["200"], remarks="<img src=x onerror=alert(1)>\n{{ 98765*54321 }} \u202eevil")
    request_id = asking.submit(world.rt, world.portal.people["jan"], asked).first
    quoting.make_quote(
        world.rt,
        DESK,
        request_id,
        None,
        Offer("1", "1", "2026-03-31", summary="<h1>{{98765*54321}}</h1>"),
    )
    world.deliver()
    assert len(world.mailbox.letters) == 3
    for mail in world.mailbox.letters:
        for tag in ("<script>", "<img src=x", "<b>Jan", "<i>K", "<h1>"):
            assert tag not in mail.html
        assert str(98765 * 54321) not in mail.html  # too long to stand in an id by chance
        assert "\u202e" not in mail.text + mail.html + mail.subject


def test_direction_marks_and_control_characters_are_taken_out(world: World) -> None:
    asked = Asked(["200"], remarks="a\u202eb\u200bc\x07d\r\ne")
    request_id = asking.submit(world.rt, JAN, asked).first
    assert desk.request_view(world.rt, JAN, request_id).remarks == "abcd\ne"


def test_the_history_is_only_ever_added_to(world: World) -> None:
    request_id = quoted(world)
    before = [(s.id, s.at, s.action) for s in world.rows(RequestStep)]
    quoting.agree(world.rt, JAN, request_id, None, quote=1)
    after = [(s.id, s.at, s.action) for s in world.rows(RequestStep)]
    assert after[: len(before)] == before


@pytest.mark.parametrize("address", ["p.d'hondt@acme.example", "info@café.example", "jan+x@x.nl"])
def test_an_account_with_an_uncommon_address_is_found(world: World, address: str) -> None:
    world.portal.people["h"] = replace(JAN, id="h", email=address)
    direct.provision_directly(world.rt, DESK, email=address, extension="201")
    assert [(x.account_id, x.extension) for x in world.rows(Link)] == [("h", "201")]


@pytest.mark.parametrize(
    "address",
    [
        "jan",
        "jan@",
        "@x.nl",
        "jan@x.nl\r\nBcc: a@x.nl",
        "a@b@c.nl",
        "<jan@x.nl>",
        "jan@-x.nl",
        "a b@c.nl",
    ],
)
def test_what_is_no_address_is_told_before_the_portal_is_asked(world: World, address: str) -> None:
    with pytest.raises(WrongFields) as caught:
        direct.provision_directly(world.rt, DESK, email=address, extension="201")
    assert caught.value.faults["email"] == "not_an_email"
