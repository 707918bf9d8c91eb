"""Letters: queued once, sent after the commit, retried, never sent by two workers at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from example_app.mailbox.process import MailboxProcess
from gcal_plugin.mailer import FlaskMailer
from gcal_plugin.ports import Mail, MailRefused
from gcal_plugin.services import letters, outbox
from gcal_plugin.services.access import as_support
from gcal_plugin.services.outbox import SendReport
from gcal_plugin.store.scope import NotInReach, Reach, Viewer
from gcal_plugin.store.tables import MailOut
from tests.servers.databases import Databases
from tests.support.portal import DESK
from tests.support.runtime import make_schema

from .conftest import World, make_world

BEL = Viewer("bel", "desk", reach=Reach.TENANT)


def queue(world: World, key: str = "one", to: str = "jan@bakkerij.example", **more: Any) -> bool:
    values: dict[str, Any] = {"name": "Jan", "extension": "200", "note": "Dag"} | more
    with world.rt.store.begin() as session:
        return outbox.queue(
            session, key=key, kind="note", tenant_id="bel", recipient=to,
            now=world.rt.store.now(session), **values,
        )  # fmt: skip


def test_the_same_event_is_told_once(world: World) -> None:
    assert [queue(world), queue(world)] == [True, False]
    assert outbox.send_due(world.rt) == SendReport(sent=1)
    assert not queue(world)
    assert outbox.send_due(world.rt) == SendReport()
    assert len(world.mailbox.letters) == 1


def test_a_letter_of_a_transaction_that_failed_is_never_sent(world: World) -> None:
    def fail_after_queueing() -> None:
        with world.rt.store.begin() as session:
            outbox.queue(
                session, key="x", kind="note", tenant_id="bel", recipient="a@b.example",
                now=world.instant, name="", extension="200", note="Dag",
            )  # fmt: skip
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_queueing()
    assert outbox.send_due(world.rt) == SendReport()


def test_a_refusal_for_now_is_tried_again_later_and_not_before(world: World) -> None:
    queue(world)
    world.mailbox.refuse = [MailRefused("451 busy"), MailRefused("451 busy")]
    assert outbox.send_due(world.rt) == SendReport(postponed=1)
    assert outbox.send_due(world.rt) == SendReport()
    [seen] = outbox.failed(world.rt, BEL)
    assert (seen.error, seen.given_up) == ("451 busy", False)
    world.pass_time(seconds=61)
    assert outbox.send_due(world.rt) == SendReport(postponed=1)
    world.pass_time(minutes=6)
    assert outbox.send_due(world.rt) == SendReport(sent=1)
    assert outbox.failed(world.rt, BEL) == []


def test_a_bounce_is_shown_at_the_desk_and_can_be_tried_again(world: World) -> None:
    queue(world)
    world.mailbox.refuse = [MailRefused("550 no such mailbox", permanent=True)]
    assert outbox.send_due(world.rt) == SendReport(failed=1)
    viewer = as_support(DESK)
    assert viewer is not None
    [seen] = outbox.failed(world.rt, viewer)
    assert seen.given_up
    stranger = Viewer("ander", "x", reach=Reach.TENANT)
    assert outbox.failed(world.rt, stranger) == []
    with pytest.raises(NotInReach):
        outbox.retry(world.rt, stranger, seen.id, actor="support:x")
    with pytest.raises(NotInReach):
        outbox.retry(world.rt, Viewer("bel", "jan"), seen.id, actor="customer:jan")
    outbox.retry(world.rt, viewer, seen.id, actor="support:desk")
    assert outbox.send_due(world.rt) == SendReport(sent=1)


def test_a_letter_is_given_up_after_a_day_of_failures(world: World) -> None:
    queue(world)
    world.mailbox.refuse = [MailRefused("451")] * 50
    reports = []
    for _ in range(20):
        reports.append(outbox.send_due(world.rt))
        world.pass_time(hours=13)
    assert reports.count(SendReport(failed=1)) == 1
    assert sum(report.postponed for report in reports) == len(outbox.BACKOFF)


def test_a_worker_that_died_while_sending_leaves_the_letter_to_the_next(world: World) -> None:
    queue(world)
    dead = outbox._claim(world.rt)
    assert dead is not None
    assert outbox.send_due(world.rt) == SendReport()
    world.pass_time(minutes=6)
    assert outbox.send_due(world.rt) == SendReport(sent=1)
    # The dead one wakes up after all: its verdict no longer counts.
    outbox._record(world.rt, dead, error="late", permanent=True)
    assert [row.state for row in world.rows(MailOut)] == ["sent"]


def test_a_letter_that_kills_its_worker_each_time_is_given_up(world: World) -> None:
    queue(world)
    for _ in range(len(outbox.BACKOFF) + 2):
        assert outbox._claim(world.rt) is not None
        world.pass_time(minutes=6)
    assert outbox.send_due(world.rt) == SendReport(failed=1)
    assert world.mailbox.letters == []


def test_a_letter_that_cannot_be_written_fails_and_does_not_stop_the_others(world: World) -> None:
    with world.rt.store.begin() as session:
        outbox.queue(
            session, key="bad", kind="no_such_letter", tenant_id="bel", recipient="a@b.example",
            now=world.instant,
        )  # fmt: skip
    queue(world)
    world.pass_time(seconds=1)
    assert outbox.send_due(world.rt) == SendReport(sent=1, failed=1)


def test_every_try_has_the_same_message_id(world: World) -> None:
    queue(world)
    queue(world, key="two")
    outbox.send_due(world.rt)
    ids = [mail.headers["Message-ID"] for mail in world.mailbox.letters]
    assert ids == [outbox.message_id("one"), outbox.message_id("two")]


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
def test_workers_at_the_same_time_do_not_send_one_letter_twice(world: World) -> None:
    for number in range(40):
        queue(world, key=f"letter-{number}")
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with world.app.app_context():
                outbox.send_due(world.rt)
        except BaseException as error:  # noqa: BLE001 (handed to the test)
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert len(world.mailbox.letters) == 40
    assert len({mail.headers["Message-ID"] for mail in world.mailbox.letters}) == 40


# -- every letter, in both languages -----------------------------------------------------------

VALUES = {
    "name": "Jan & <b>Anna</b>", "extension": "200", "customer_code": "K1",
    "customer_name": "Bakkerij <script>", "account_email": "jan@b.example", "remarks": "a\nb",
    "summary": "<h1>x</h1>", "rate_text": "0,05 per minuut", "terms_version": "3",
    "terms_url": "https://x.example/terms", "valid_until": "2026-03-31T22:59:59+00:00",
    "agreed_at": "2026-03-02T09:00:00+00:00", "ends_at": "2026-04-01T00:00:00+00:00",
    "once": "EUR 1,00", "once_total": "EUR 1,21", "monthly": "EUR 2,00",
    "monthly_total": "EUR 2,42", "vat": "21%", "note": "Dag", "why": "Daarom",
    "reason": "revoked", "since": "2026-03-02T09:00:00+00:00", "day": 1, "fallback": "+31201234567",
    "domain": "b.example", "mended_at": "2026-03-02T10:00:00+00:00",
}  # fmt: skip


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("locale", letters.LOCALES)
@pytest.mark.parametrize("kind", sorted(letters.kinds()))
def test_every_letter_is_written_in_both_languages(world: World, kind: str, locale: str) -> None:
    letter = MailOut(
        id=1, key="k", tenant_id="bel", kind=kind, locale=locale, recipient="jan@b.example",
        values=VALUES, request_id=uuid4(),
    )  # fmt: skip
    mail = letters.render(world.rt, letter)
    assert mail.subject
    assert "\n" not in mail.subject
    assert "<" not in mail.text.replace("Jan & <b>Anna</b>", "").replace(
        "Bakkerij <script>", ""
    ).replace("<h1>x</h1>", "")
    assert "Belwinkel" in mail.text
    assert "<script>" not in mail.html
    assert "<b>Anna" not in mail.html
    assert "style=" in mail.html  # inlined, for clients that drop style sheets
    assert "prefers-color-scheme" in mail.html
    assert "http" not in mail.html.replace("https://portal.example", "").replace(
        "https://x.example/terms", ""
    )  # nothing is loaded from elsewhere


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "reason, nl, en",
    [
        ("revoked", "Koppel opnieuw", "Connect again"),
        ("account_disabled", "Koppel opnieuw", "Connect again"),
        ("gone", "Kies een agenda", "Choose a calendar"),
        ("unreadable", "Kies een agenda", "Choose a calendar"),
    ],
)
def test_a_broken_link_is_mended_as_its_reason_says(
    world: World, reason: str, nl: str, en: str
) -> None:
    for locale, button, other, stays, own_phone, runs_out in (
        ("nl", nl, "we kunnen de agenda niet lezen", "je agenda blijft gekozen",
         "eigen toestel", "loopt door tot het einde"),
        ("en", en, "we cannot read the calendar", "your calendar stays chosen",
         "own phone", "goes on until its appointment ends"),
    ):  # fmt: skip
        for fallback in ("", "+31201234567"):
            letter = MailOut(
                id=1, key="k", tenant_id="bel", kind="link_broken", locale=locale,
                recipient="jan@b.example",
                values=VALUES | {"reason": reason, "fallback": fallback},
            )  # fmt: skip
            mail = letters.render(world.rt, letter)
            assert f">{button}</a>" in " ".join(mail.html.split()).replace("> ", ">")
            assert other not in mail.text, "every reason that there is has words of its own"
            again = reason in {"revoked", "account_disabled"}
            assert (stays in mail.text) == again
            assert (own_phone in mail.text) == (not fallback)
            assert (runs_out in mail.text) == (reason == "unreadable" and not fallback)


def test_both_languages_have_the_same_letters() -> None:
    names = [{file.name for file in (letters.FOLDER / locale).iterdir()} for locale in ("nl", "en")]
    assert names[0] == names[1]


# -- the shipped sender against a real mail server ---------------------------------------------


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailboxProcess]:
    with MailboxProcess(tmp_path_factory.mktemp("mailbox")) as running:
        yield running


@pytest.fixture
def posted(databases: Databases, mailbox: MailboxProcess) -> Iterator[World]:
    """A world whose letters go out by SMTP."""
    with (
        databases.fresh("sqlite", key="schema", prepare=make_schema) as url,
        make_world(url, mail_sender="no-reply@bel.example") as world,
    ):
        world.app.config |= {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": mailbox.smtp_port}
        sender = FlaskMailer(world.app, world.rt.settings)
        object.__setattr__(world.rt, "mailer", sender)
        mailbox.clear()
        yield world


def test_the_shipped_sender_delivers_text_and_html(posted: World, mailbox: MailboxProcess) -> None:
    queue(posted, note="Café € 12 – “dag”")
    assert outbox.send_due(posted.rt) == SendReport(sent=1)
    [mail] = mailbox.mails("jan@bakkerij.example")
    assert mail["subject"] == "Bericht over je aanvraag voor extensie 200"
    assert "Café € 12 – “dag”" in mail["text"]
    assert "Café € 12 – “dag”" in mail["html"]
    assert mail["from"] == "no-reply@bel.example"
    assert mail["message_id"] == outbox.message_id("one")


def test_what_the_mail_server_refuses_is_told_apart(posted: World) -> None:
    queue(posted, key="gone", to="bounce@bel.example")
    queue(posted, key="busy", to="busy@bel.example")
    assert outbox.send_due(posted.rt) == SendReport(failed=1, postponed=1)
    seen = {one.recipient: one for one in outbox.failed(posted.rt, BEL)}
    assert seen["bounce@bel.example"].error == "550 5.1.1 No such mailbox"
    assert seen["bounce@bel.example"].given_up
    assert seen["busy@bel.example"].error == "451 4.3.0 Try again later"
    assert not seen["busy@bel.example"].given_up


def test_a_mail_server_that_is_away_is_tried_again(posted: World) -> None:
    posted.app.config["MAIL_PORT"] = 1
    queue(posted)
    assert outbox.send_due(posted.rt) == SendReport(postponed=1)
    assert posted.rows(MailOut)[0].next_try_at == posted.instant + timedelta(minutes=1)


def test_a_line_end_in_a_header_is_no_letter(posted: World) -> None:
    with pytest.raises(MailRefused) as caught:
        posted.rt.mailer.send(
            Mail(to=("a@b.example",), subject="x\r\nBcc: all@b.example", text="x")
        )
    assert caught.value.permanent
