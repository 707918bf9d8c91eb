"""The very next call rings exactly the set that was pushed: through a real SIP server."""

from __future__ import annotations

import random
import time

import pytest

from gcal_plugin.domain.destination import Destination, Kind, national
from gcal_plugin.ports import Line
from gcal_plugin.telephony.kamailio import KamailioTelephony
from tests.contracts.telephony import numbers
from tests.servers.kamailio import Kamailio
from tests.sip.phones import Phones

pytestmark = pytest.mark.sip

LINE = Line("acme.example", "200")
NOBODY: frozenset[Destination] = frozenset()


def dialled(destinations: frozenset[Destination]) -> set[str]:
    return {national(one) for one in destinations}


def test_without_a_forward_the_own_phone_rings(kamailio: Kamailio, phones: Phones):
    call = phones.call(kamailio.sip)
    assert (call.own, call.rang, call.diversions) == (True, set(), set())


def test_two_destinations_ring_and_the_own_phone_does_not(
    kamailio: Kamailio, pbx: KamailioTelephony, phones: Phones
):
    pbx.replace(LINE, numbers(2), revision=1)
    call = phones.call(kamailio.sip)
    assert call.rang == dialled(numbers(2))
    assert not call.own
    (diversion,) = call.diversions
    assert diversion.startswith("<sip:200@acme.example>;reason=unconditional")


def test_a_replaced_set_rings_only_the_new_and_an_empty_one_the_own_phone(
    kamailio: Kamailio, pbx: KamailioTelephony, phones: Phones
):
    pbx.replace(LINE, numbers(2), revision=1)
    pbx.replace(LINE, numbers(1, start=20_000_000), revision=2)
    assert phones.call(kamailio.sip).rang == dialled(numbers(1, start=20_000_000))
    pbx.replace(LINE, NOBODY, revision=3)
    call = phones.call(kamailio.sip)
    assert (call.own, call.rang) == (True, set())


def test_the_same_extension_of_another_customer_is_not_touched(
    kamailio: Kamailio, pbx: KamailioTelephony, phones: Phones
):
    pbx.replace(LINE, numbers(2), revision=1)
    call = phones.call(kamailio.sip, "200", "beta.example")
    assert (call.own, call.rang) == (True, set())


def test_a_forward_to_an_extension_rings_its_phones_and_not_its_forward(
    kamailio: Kamailio, pbx: KamailioTelephony, phones: Phones
):
    pbx.replace(Line("acme.example", "333"), numbers(1), revision=1)
    pbx.replace(LINE, frozenset({Destination(Kind.EXTENSION, "333")}), revision=1)
    call = phones.call(kamailio.sip)
    assert call.own  # the port of the phones: 333's own phone
    assert call.rang == set()
    assert call.invites == 1


def test_the_first_to_answer_silences_the_other(
    kamailio: Kamailio, pbx: KamailioTelephony, phones: Phones
):
    pbx.replace(LINE, numbers(2), revision=1)
    first, second = sorted(dialled(numbers(2)))
    phones.moods.update({first: "answer", second: "ring"})
    call = phones.call(kamailio.sip)
    assert call.status == 200
    deadline = time.monotonic() + 5
    while not call.cancelled and time.monotonic() < deadline:
        time.sleep(0.01)
    assert call.cancelled == {second}


@pytest.mark.parametrize("trouble", ["busy", "dead"])
def test_one_busy_or_unreachable_destination_leaves_the_rest_ringing(
    kamailio: Kamailio, pbx: KamailioTelephony, phones: Phones, trouble
):
    pbx.replace(LINE, numbers(3), revision=1)
    bad, good, third = sorted(dialled(numbers(3)))
    phones.moods.update({bad: trouble, good: "answer", third: "ring"})
    call = phones.call(kamailio.sip)
    assert call.status == 200
    assert {good, third} <= call.rang


def test_random_sets_ring_exactly_at_once(
    kamailio: Kamailio, pbx: KamailioTelephony, phones: Phones
):
    chance = random.Random(20261123)
    mismatches = []
    for revision in range(1, 501):
        line = Line(chance.choice(["acme.example", "beta.example"]), str(chance.randint(200, 219)))
        wanted = numbers(chance.randint(0, 4), start=chance.randrange(10_000_000, 99_000_000))
        pbx.replace(line, wanted, revision=revision)
        call = phones.call(kamailio.sip, line.extension, line.domain)
        if call.rang != dialled(wanted) or call.own != (not wanted):
            mismatches.append((line, wanted, call))
    assert mismatches == []
