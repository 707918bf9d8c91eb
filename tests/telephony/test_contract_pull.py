"""An exchange that asks keeps the promises too: what it is told is what was decided."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime

import pytest

from gcal_plugin.domain.destination import Destination
from gcal_plugin.domain.pull_formats import render
from gcal_plugin.ports import Applied, Line, LineState, StaleRevision, Telephony, Unsupported
from gcal_plugin.telephony.exchange import Held, MemoryExchange
from gcal_plugin.telephony.pull import PullConfig, PullTelephony
from gcal_plugin.telephony.rendering import check_line, parse_set
from tests.contracts.telephony import LINE, TelephonyContract, numbers


class Asking(PullTelephony):
    """The backend with a store beside it, read as its exchange would: from the rendered answer."""

    def __init__(self, form: str) -> None:
        super().__init__("pull", PullConfig(format=form))
        self.stored = MemoryExchange()

    def replace(
        self,
        line: Line,
        destinations: frozenset[Destination],
        *,
        revision: int,
        expires_at: datetime | None = None,
    ) -> Applied:
        applied = super().replace(line, destinations, revision=revision, expires_at=expires_at)
        held = self.stored.put(line, Held(applied.destinations, revision))
        if held.revision > revision:
            raise StaleRevision("decided later", held=held)
        return held

    def read(self, line: Line) -> Applied:
        held = self.stored.applied(check_line(line))
        body, _ = render(self.format, sorted(held.destinations))
        return Applied(parse_set(values_in(self.format, body)), held.revision)

    def read_all(self) -> Iterator[LineState]:
        yield from self.stored.page(None, 500)[0]


def values_in(form: str, body: str) -> list[str]:
    """The numbers that an exchange finds in an answer."""
    if form == "json":
        return [one["value"] for one in json.loads(body)["destinations"]]
    if form == "twiml":
        return re.findall(r"<Number>(\+[0-9]+)</Number>", body)
    if form == "voipgrid":
        return ["+" + found for found in re.findall(r"status=ACK&destination=([0-9]+)", body)]
    return body.split()


@pytest.mark.parametrize("form", ["plain", "json", "twiml", "voipgrid"])
class TestPull(TelephonyContract):
    refuses_older = True

    @pytest.fixture
    def telephony(self, form: str) -> Telephony:
        return Asking(form)


def test_voipgrid_refuses_a_second_destination_at_once():
    with pytest.raises(Unsupported):
        PullTelephony("pull", PullConfig(format="voipgrid")).replace(LINE, numbers(2), revision=1)


def test_there_is_nothing_to_read_on_an_exchange_that_asks():
    with pytest.raises(Unsupported):
        PullTelephony("pull").read(LINE)
    assert list(PullTelephony("pull").read_all()) == []
