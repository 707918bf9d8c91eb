"""What the webhook adapter makes of answers: each status carries a decision."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from gcal_plugin.domain.destination import Destination, Kind
from gcal_plugin.ports import (
    AuthFailed,
    Capabilities,
    ForeignForward,
    InvalidDestination,
    Line,
    LineState,
    StaleRevision,
    TelephonyError,
    Temporary,
    UnknownExtension,
    Unsupported,
    VerifyMismatch,
)
from gcal_plugin.telephony import webhook
from gcal_plugin.telephony.arming import Armable
from gcal_plugin.telephony.http import retry_after
from gcal_plugin.telephony.webhook import WebhookTelephony
from tests.contracts.telephony import LINE, OTHER, numbers
from tests.telephony.servers import SECRET, DemoPbx

ONE = numbers(1)
LAST = Line("beta.example", "203")


class Answering(httpx.BaseTransport):
    """An exchange that answers what it is told to, and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def adapter(*answers: httpx.Response | Exception) -> tuple[WebhookTelephony, Answering]:
    transport = Answering(*answers)
    caps = Capabilities(max_destinations=10, fences=True, bulk=500, plan=True)
    exchange = WebhookTelephony(
        "main", "https://pbx.example/gcal/", SECRET, capabilities=caps, transport=transport
    )
    return exchange, transport


def state(revision: int = 1, *values: str, line: Line = LINE) -> dict[str, Any]:
    return {
        "domain": line.domain,
        "extension": line.extension,
        "destinations": [{"kind": "number", "value": value} for value in values],
        "revision": revision,
    }


@pytest.mark.parametrize(
    "status, error, permanent",
    [
        (400, TelephonyError, True),
        (401, AuthFailed, True),
        (403, AuthFailed, True),
        (404, UnknownExtension, True),
        (405, Unsupported, True),
        (409, TelephonyError, True),
        (422, InvalidDestination, True),
        (423, TelephonyError, True),
        (302, TelephonyError, True),
        (408, Temporary, False),
        (425, Temporary, False),
        (429, Temporary, False),
        (500, Temporary, False),
        (502, Temporary, False),
        (503, Temporary, False),
    ],
)
def test_a_status_is_a_decision(status: int, error: type[TelephonyError], permanent: bool):
    exchange, _ = adapter(httpx.Response(status, json={"error": "because\r\nof this"}))
    with pytest.raises(error) as caught:
        exchange.replace(LINE, ONE, revision=1)
    assert type(caught.value) is error
    assert caught.value.permanent is permanent
    assert "\n" not in str(caught.value)
    if status != 302:
        assert "because of this" in str(caught.value)


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(200, text="<html>a proxy's page</html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"revision": "7", "destinations": []}),
        httpx.Response(200, json={"revision": 1}),
    ],
)
def test_no_answer_and_no_sense_are_temporary(fault: httpx.Response | Exception):
    exchange, _ = adapter(fault)
    with pytest.raises(Temporary):
        exchange.replace(LINE, ONE, revision=1)


def test_a_feature_code_that_somebody_typed_is_theirs_and_no_silence():
    typed = {"revision": 1, "destinations": [{"kind": "number", "value": "*21"}]}
    exchange, _ = adapter(httpx.Response(200, json=typed))
    for ask in (lambda: exchange.read(LINE), lambda: exchange.replace(LINE, ONE, revision=1)):
        with pytest.raises(ForeignForward, match="21") as caught:
            ask()
        assert not caught.value.permanent


def test_one_odd_line_does_not_keep_the_others_from_being_listed():
    [number] = ONE
    states = [state(4, "*21"), state(2, number.value, line=OTHER), state(line=LAST)]
    del states[2]["revision"]
    exchange, _ = adapter(httpx.Response(200, json={"states": states, "next": ""}))
    typed, plain, broken = exchange.read_all()
    assert [one.line for one in (typed, plain, broken)] == [LINE, OTHER, LAST]
    assert "21" in typed.odd
    assert typed.destinations == frozenset()
    assert (plain.odd, plain.destinations, plain.revision) == ("", ONE, 2)
    assert "revision" in broken.odd


def test_a_listing_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(webhook, "LISTING_SECONDS", 0.2)
    asked = itertools.count()

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"states": [], "next": f"page{next(asked)}"})

    exchange = WebhookTelephony(
        "endless", "https://pbx.example/gcal", SECRET, transport=httpx.MockTransport(answer)
    )
    with pytest.raises(TelephonyError, match="no end") as caught:
        list(exchange.read_all())
    assert not isinstance(caught.value, Temporary), "it answered: nothing for its breaker"
    assert next(asked) > 1


def test_retry_after_is_seconds_or_a_date_and_never_for_ever():
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert retry_after("120") == 120
    assert retry_after(format_datetime(now + timedelta(seconds=90), usegmt=True), now) == 90
    assert retry_after(format_datetime(now - timedelta(seconds=90), usegmt=True), now) == 0
    assert retry_after("999999999") == 3600
    for nothing in (None, "", "soon", "-5", "1e9", "٣"):
        assert retry_after(nothing) is None
    exchange, _ = adapter(httpx.Response(503, headers={"retry-after": "7"}))
    with pytest.raises(Temporary) as caught:
        exchange.read(LINE)
    assert caught.value.retry_after == 7


def test_what_is_held_decides_and_not_the_status():
    newer, _ = adapter(httpx.Response(200, json=state(9, "+31612345678")))
    with pytest.raises(StaleRevision) as stale:
        newer.replace(LINE, ONE, revision=8)
    assert stale.value.held.revision == 9
    for ignored in (state(3), state(8), state(8, "+31699999999")):
        exchange, _ = adapter(httpx.Response(200, json=ignored))
        with pytest.raises(VerifyMismatch) as mismatch:
            exchange.replace(LINE, ONE, revision=8)
        assert not mismatch.value.permanent


@pytest.mark.parametrize("value", ["+31610000000", "0031610000000", "0610000000"])
def test_a_number_read_back_is_one_number_however_it_is_written(value: str):
    exchange, _ = adapter(httpx.Response(200, json=state(1, value)))
    assert exchange.replace(LINE, ONE, revision=1).destinations == ONE


def test_requests_are_signed_and_say_what_the_contract_says():
    exchange, transport = adapter(httpx.Response(200, json=state(7, "+31610000000")))
    exchange.replace(LINE, ONE, revision=7)
    (request,) = transport.asked
    address = "https://pbx.example/gcal/domains/acme.example/extensions/200/forwards"
    assert (request.method, str(request.url)) == ("PUT", address)
    assert Webhook(SECRET).verify(request.content, dict(request.headers)) == state(
        7, "+31610000000"
    )
    exchange.read(LINE)
    read = transport.asked[1]
    Webhook(SECRET).verify(b"", dict(read.headers), json_parse=False)
    assert read.headers["webhook-id"] != request.headers["webhook-id"]


def results(*entries: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"results": list(entries)})


def entry(line: Line, *, ok: bool, **more: Any) -> dict[str, Any]:
    return {"domain": line.domain, "extension": line.extension, "ok": ok, **more}


STATES = [LineState(LINE, ONE, 5), LineState(OTHER, ONE, 5)]


def test_a_bulk_answer_of_the_contracts_shortest_form_is_enough():
    exchange, _ = adapter(
        results(entry(OTHER, ok=True, revision=5), entry(LINE, ok=True, revision=6))
    )
    first, second = exchange.replace_many(STATES)
    assert isinstance(first.error, StaleRevision)
    assert second.applied is not None
    assert second.applied.destinations == ONE


def test_each_line_of_a_bulk_answer_carries_its_own_decision():
    exchange, _ = adapter(
        results(
            entry(LINE, ok=False, permanent=False, error="busy"),
            entry(OTHER, ok=False, permanent=True, error="no", code="unknown_extension"),
        )
    )
    first, second = exchange.replace_many(STATES)
    assert type(first.error) is Temporary
    assert type(second.error) is UnknownExtension
    named = {"kind": "number", "value": "+31610000000"}
    exchange, _ = adapter(
        results(entry(LINE, ok=False, permanent=True, error="no", destination=named))
    )
    first, forgotten = exchange.replace_many(STATES)
    assert isinstance(first.error, InvalidDestination)
    assert first.error.destination == Destination(Kind.NUMBER, "+31610000000")
    assert type(forgotten.error) is Temporary


def test_a_bulk_write_that_fails_as_a_whole_fails_for_each_line():
    exchange, _ = adapter(httpx.Response(503, headers={"retry-after": "3"}))
    found = exchange.replace_many(STATES)
    assert [result.line for result in found] == [LINE, OTHER]
    assert all(isinstance(one.error, Temporary) and one.error.retry_after == 3 for one in found)


@pytest.mark.parametrize("status", [404, 405])
def test_without_a_bulk_address_lines_go_one_by_one_and_that_is_remembered(status: int):
    exchange, transport = adapter(httpx.Response(status))
    transport.handle_request = _one_by_one(transport, status)  # type: ignore[method-assign]
    for _ in range(2):
        found = exchange.replace_many(STATES)
        assert [result.applied and result.applied.revision for result in found] == [5, 5]
    addresses = [request.url.path for request in transport.asked]
    assert addresses.count("/gcal/forwards") == 1
    assert len(addresses) == 5


def _one_by_one(transport: Answering, status: int):
    def answer(request: httpx.Request) -> httpx.Response:
        transport.asked.append(request)
        if request.url.path == "/gcal/forwards":
            return httpx.Response(status)
        return httpx.Response(200, json=json.loads(request.content))

    return answer


def test_an_armed_batch_sends_nothing_before_its_instant():
    exchange, transport = adapter(results(entry(LINE, ok=True, revision=5)))
    assert isinstance(exchange, Armable)
    prepared = exchange.prepare_many(STATES[:1])
    assert transport.asked == []
    (result,) = prepared.send()
    assert result.applied is not None
    (request,) = transport.asked
    # Signed when it is sent, so that an early preparation does not age the signature.
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 5


def test_read_all_pages_through_everything_and_ends():
    pages = [
        httpx.Response(
            200, json={"states": [state(1, "+31610000000")], "next": "acme.example/200"}
        ),
        httpx.Response(200, json={"states": [state(2, line=OTHER)], "next": None}),
    ]
    exchange, transport = adapter(*pages)
    assert [one.line for one in exchange.read_all()] == [LINE, OTHER]
    assert transport.asked[1].url.query == b"after=acme.example%2F200"


def test_a_receiver_that_repeats_a_page_does_not_hold_us_for_ever():
    exchange, transport = adapter(httpx.Response(200, json={"states": [], "next": "same"}))
    assert list(exchange.read_all()) == []
    assert len(transport.asked) == 2


def test_the_secret_is_in_no_text_of_ours():
    exchange, _ = adapter(httpx.Response(500, json={"error": "x"}))
    with pytest.raises(Temporary) as caught:
        exchange.read(LINE)
    text = f"{exchange!r} {vars(exchange)!r} {caught.value!r} {exchange.check()!r}"
    assert SECRET not in text
    assert SECRET.removeprefix("whsec_") not in text


# -- against the demo exchange ---------------------------------------------------------------


@pytest.fixture(scope="module")
def pbx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoPbx]:
    server = DemoPbx(tmp_path_factory.mktemp("pbx"))
    server.control("exchange", {"lines": None, "refused": []})
    yield server
    server.stop()


@pytest.fixture
def live(pbx: DemoPbx) -> Iterator[WebhookTelephony]:
    yield pbx.connect(pbx.port)
    pbx.control("faults", {})


def test_ten_thousand_states_cost_us_less_than_a_second(live: WebhookTelephony):
    states = [
        LineState(Line("herd.example", str(10_000 + place)), numbers(2), 1)
        for place in range(10_000)
    ]
    prepared = live.prepare_many(states)
    # The processor's time of this side, which other work on the machine does not stretch.
    began = time.process_time()
    found = prepared.send()
    took = time.process_time() - began
    assert all(result.applied is not None for result in found)
    assert took < 1.0  # the whole took about 0.7 s on two cores
    assert sum(one.line.domain == "herd.example" for one in live.read_all()) == 10_000


@pytest.mark.parametrize(
    "fault, error",
    [
        ({"status": 503, "retry_after": 2}, Temporary),
        ({"status": 403}, AuthFailed),
        ({"unreachable": True}, Temporary),
        ({"cut_after_apply": True}, Temporary),
        ({"ignore_writes": True}, VerifyMismatch),
        ({"latency": 0.6}, Temporary),
    ],
)
def test_the_demo_exchange_fails_as_it_is_told(pbx: DemoPbx, fault, error):
    exchange = pbx.connect(pbx.port, timeout=0.4)
    line = Line("faults.example", "200")
    held = exchange.read(line).revision
    pbx.control("faults", {**fault, "times": 1})
    with pytest.raises(error):
        exchange.replace(line, ONE, revision=held + 1)
    time.sleep(0.3 if "latency" in fault else 0)
    now = exchange.read(line).revision  # healed by itself
    assert exchange.replace(line, ONE, revision=now + 1).destinations == ONE


def test_a_partial_batch_fails_only_for_some(pbx: DemoPbx, live: WebhookTelephony):
    pbx.control("faults", {"partial": 3})
    states = [LineState(Line("part.example", str(300 + place)), ONE, 1) for place in range(9)]
    found = live.replace_many(states)
    assert [result.error is not None for result in found] == [False, False, True] * 3
    assert all(isinstance(result.error, Temporary) for result in found if result.error)


def test_a_fault_of_one_domain_leaves_the_others(pbx: DemoPbx, live: WebhookTelephony):
    pbx.control("faults", {"status": 500, "domains": ["sick.example"]})
    with pytest.raises(Temporary):
        live.replace(Line("sick.example", "200"), ONE, revision=1)
    assert live.replace(Line("well.example", "200"), ONE, revision=1).destinations == ONE


def test_the_history_tells_when_what_was_applied(pbx: DemoPbx, live: WebhookTelephony):
    before = pbx.control("history")["next"]
    line = Line("history.example", "200")
    live.replace(line, ONE, revision=1)
    live.replace(line, ONE, revision=1)  # a repeat is no write
    live.replace(line, frozenset(), revision=2)
    writes: Any = pbx.control(f"history?since={before}")["writes"]
    assert [(one["extension"], len(one["destinations"]), one["revision"]) for one in writes] == [
        ("200", 1, 1),
        ("200", 0, 2),
    ]
    assert abs(datetime.fromisoformat(writes[0]["at"]) - datetime.now(UTC)) < timedelta(seconds=5)


def test_an_unsigned_or_old_request_changes_nothing(pbx: DemoPbx):
    address = f"{pbx.url}/domains/acme.example/extensions/200/forwards"
    assert httpx.put(address, json=state(1)).status_code == 401
    then = datetime.now(UTC) - timedelta(minutes=6)
    body = json.dumps(state(99))
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(then.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", then, body),
    }
    assert httpx.put(address, content=body, headers=headers).status_code == 401


def test_a_body_about_another_line_is_refused(pbx: DemoPbx):
    """A signature covers the body and not the address: so the two must agree."""
    now = datetime.now(UTC)
    body = json.dumps(state(99, "+31612345678"))
    headers = {
        "webhook-id": "msg_2",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_2", now, body),
    }
    address = f"{pbx.url}/domains/beta.example/extensions/200/forwards"
    assert httpx.put(address, content=body, headers=headers).status_code == 400


@pytest.mark.parametrize("language, own", [("nl", "Eigen toestel"), ("en", "Own phone")])
def test_the_page_says_who_rings_in_two_languages(
    pbx: DemoPbx, live: WebhookTelephony, language: str, own: str
):
    held = live.read(LINE).revision
    live.replace(LINE, ONE, revision=held + 1)
    live.replace(OTHER, frozenset(), revision=live.read(OTHER).revision + 1)
    page = httpx.get(f"{pbx.url}/?lang={language}")
    assert f'lang="{language}"' in page.text
    assert "06 10000000" in page.text
    assert own in page.text
    assert 'http-equiv="refresh"' in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text


def test_one_adapter_serves_many_threads(live: WebhookTelephony):
    faults: list[BaseException] = []

    def write(place: int) -> None:
        line = Line("threads.example", str(200 + place))
        try:
            for revision in range(1, 20):
                live.replace(line, numbers(2, start=10_000_000 + revision), revision=revision)
        except TelephonyError as error:
            faults.append(error)

    threads = [threading.Thread(target=write, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert faults == []
    assert live.read(Line("threads.example", "207")).revision == 19


def test_a_journal_cut_in_the_middle_of_a_line_is_mended(tmp_path: Path):
    server = DemoPbx(tmp_path)
    try:
        server.connect(server.port).replace(LINE, ONE, revision=1)
        with (tmp_path / "held").open("ab") as journal:
            journal.write(b'{"at":"2026-01-01T00:00:00Z","dom')
        server.restart()
        fresh = server.connect(server.port)
        assert fresh.read(LINE).revision == 1
        fresh.replace(LINE, frozenset(), revision=2)
        server.restart()
        assert server.connect(server.port).read(LINE).revision == 2
    finally:
        server.stop()
