"""Nobody gets a dear number out: a curated corpus and ten thousand generated ones, zero escapes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from gcal_plugin.domain.destination import Destination, Kind
from gcal_plugin.domain.policy import Policy, explain, refusal
from tests import oracle

CORPUS = Path(__file__).with_name("fraud_corpus.txt").read_text(encoding="utf-8").splitlines()
TRICKS = [
    line.encode("ascii").decode("unicode_escape")
    for line in dict.fromkeys(CORPUS)
    if line and not line.startswith("#")
]
SPELLINGS = ["+{0}", "00{0}", "00 {0}", "+ {0}", "00-{0}", "(+{1}) {2}", "+{1} (0){2}", "+{1}-{2}"]


@pytest.mark.parametrize("title", TRICKS, ids=ascii)
def test_no_trick_of_the_corpus_escapes(title):
    assert not explain(title).allowed


def spelled(code: int, national: str, chance: random.Random) -> str:
    digits = list(national)
    for place in sorted(chance.sample(range(1, len(digits)), k=min(2, len(digits) - 1)))[::-1]:
        digits.insert(place, chance.choice(["", " ", "-", "."]))
    text = "".join(digits)
    return chance.choice(SPELLINGS).format(f"{code}{text}", code, text)


def foreign(chance: random.Random) -> Iterator[str]:
    """Real-looking numbers of every country and every network, of every type they have."""
    examples = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS - {"NL"}):
        for kind in PhoneNumberType.values():
            found = phonenumbers.example_number_for_type(region, kind)
            if found is not None:
                examples.append(found)
    networks = sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
    found_there = map(phonenumbers.example_number_for_non_geo_entity, networks)
    examples.extend(one for one in found_there if one is not None)
    while True:
        one = chance.choice(examples)
        national = phonenumbers.national_significant_number(one)
        kept = chance.randint(1, len(national))
        tail = "".join(chance.choices("0123456789", k=len(national) - kept))
        yield spelled(one.country_code or 0, national[:kept] + tail, chance)


def dutch_and_dear(chance: random.Random) -> Iterator[str]:
    """Dutch ranges that are closed, at every length, in every spelling."""
    starts = ["66", "67", "82", "84", "87", "97", "900", "906", "909", "14", "116", "112"]
    while True:
        start = chance.choice(starts)
        national = start + "".join(chance.choices("0123456789", k=chance.randint(0, 9)))
        if start in {"14", "116", "112"} and len(national) == 9:
            continue  # that would be an ordinary area code, if it existed
        yield chance.choice(["0" + national, spelled(31, national, chance)])


def test_ten_thousand_generated_numbers_and_no_escape():
    chance = random.Random(20270301)
    sources = [foreign(chance), dutch_and_dear(chance)]
    escaped = [
        title for _ in range(5_000) for source in sources if explain(title := next(source)).allowed
    ]
    assert escaped == []


def test_ten_thousand_random_digits_ring_dutch_plain_numbers_or_nobody():
    """The rules hold against a table of their own, not only against the ranges thought of above."""
    chance = random.Random(7)
    rung = 0
    for _ in range(10_000):
        start = chance.choice(["0", "00", "+", "+31", "0031", "06", "08", "09", "07"])
        title = start + "".join(chance.choices("0123456789", k=chance.randint(6, 11)))
        verdict = explain(title)
        if verdict.allowed:
            rung += 1
            assert oracle.GOOD.fullmatch(verdict.value or ""), title
    assert rung > 500


@pytest.mark.parametrize(
    "kind",
    [
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.PAGER,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
    ],
    ids=PhoneNumberType.to_string,
)
def test_opening_every_country_opens_no_dear_type(kind):
    everywhere = Policy(allowed_countries=frozenset(phonenumbers.SUPPORTED_REGIONS))
    tried = 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS - {"NL"}):
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None or phonenumbers.number_type(number) != kind:
            continue
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        assert refusal(Destination(Kind.NUMBER, e164), everywhere) is not None, e164
        tried += 1
    assert tried


def test_opening_every_country_opens_no_network_without_one():
    everywhere = Policy(allowed_countries=frozenset(phonenumbers.SUPPORTED_REGIONS))
    for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS:
        number = phonenumbers.example_number_for_non_geo_entity(code)
        assert number is not None
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        assert refusal(Destination(Kind.NUMBER, e164), everywhere) is not None, e164
