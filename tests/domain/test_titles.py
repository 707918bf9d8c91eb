"""The table of titles is the specification: what people type, and what it means."""

from __future__ import annotations

from time import process_time

import pytest

from gcal_plugin.domain.destination import Kind, read_title
from gcal_plugin.domain.policy import LineContext, explain
from gcal_plugin.domain.reasons import Reason, is_ordinary

MOBILE = "+31612345678"


@pytest.mark.parametrize(
    "title, value",
    [
        ("0612345678", MOBILE),
        ("06-12345678", MOBILE),
        ("06 12 34 56 78", MOBILE),
        ("06 1234 5678", MOBILE),
        ("06.12.34.56.78", MOBILE),
        ("06–12345678", MOBILE),
        ("06 – 12345678", MOBILE),
        ("06\u00a012345678", MOBILE),
        ("06\u202f123\u202f45\u202f678", MOBILE),
        ("  0612345678\t\n", MOBILE),
        ("\u00a00612345678\u3000", MOBILE),
        ("(06) 12345678", MOBILE),
        ("(06)12345678", MOBILE),
        ("+31612345678", MOBILE),
        ("+31 6 12345678", MOBILE),
        ("+ 31 6 12345678", MOBILE),
        ("+31 (0)6 12345678", MOBILE),
        ("+31(0)612345678", MOBILE),
        ("+31-(0)6-12345678", MOBILE),
        ("(+31) 6 12345678", MOBILE),
        ("(+31) (0)6 12345678", MOBILE),
        ("(0031)(0)612345678", MOBILE),
        ("(0)6 12345678", MOBILE),
        ("06     12345678", MOBILE),
        ("0031612345678", MOBILE),
        ("00 31 6 12345678", MOBILE),
        ("0031 (0)6 12345678", MOBILE),
        ("0031234567890", "+31234567890"),
        ("(020) 123 45 67", "+31201234567"),
        ("020-1234567", "+31201234567"),
        ("+31 (20) 123 4567", "+31201234567"),
        ("0113212345", "+31113212345"),
        ("0881234567", "+31881234567"),
        ("0851234567", "+31851234567"),
        ("0911234567", "+31911234567"),
        ("0681234567", "+31681234567"),
        ("0800-1234", "+318001234"),
    ],
)
def test_one_number_in_any_usual_spelling_forwards(title, value):
    verdict = explain(title)
    assert (verdict.kind, verdict.value, verdict.allowed) == (Kind.NUMBER, value, True)
    assert (verdict.reason, verdict.suggestion) == (None, None)


@pytest.mark.parametrize(
    "title",
    [
        *("33", "333", "3333", "33333", "333333", " 333 ", "2026"),
        *("101", "110", "199", "1000", "1100", "1500", "1999", "11200", "112112", "3000"),
    ],
)
def test_digits_in_one_piece_are_an_extension(title):
    verdict = explain(title)
    assert (verdict.kind, verdict.value, verdict.allowed) == (Kind.EXTENSION, title.strip(), True)


@pytest.mark.parametrize(
    "title, reason, suggestion",
    [
        ("612345678", Reason.MISSING_ZERO, "0612345678"),
        ("6 12345678", Reason.MISSING_ZERO, "0612345678"),
        ("201234567", Reason.MISSING_ZERO, "0201234567"),
        ("31612345678", Reason.MISSING_PREFIX, "0031612345678"),
        ("31 6 12345678", Reason.MISSING_PREFIX, "0031612345678"),
        ("06/12345678", Reason.SLASH, "0612345678"),
        ("020/1234567", Reason.SLASH, "0201234567"),
        ("06/1234567", Reason.SLASH, None),
        ("06_12345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("06,12345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("06:12345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("06'12345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("06／12345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("06(12)345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("(+31 (0)6 12345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("2026-11-23 0612345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("0612345678 0612345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("06 1234 5678 9", Reason.TOO_LONG, None),
        ("0612345678 Jan", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("Jan 0612345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("Jan: 06 12345678!", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("06-12 34 56 78 Jan", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("Jan 0612345678 (mobiel)", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("0612345678.", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("(0612345678)", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("((06) 12345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("tel:0612345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("Jan +31 6 12345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("Jan 612345678", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("Jan 31612345678", Reason.TEXT_BESIDE_NUMBER, "0031612345678"),
        ("06 12345678 10 30 uur", Reason.TEXT_BESIDE_NUMBER, "0612345678"),
        ("Jan 061234567", Reason.TEXT_BESIDE_NUMBER, None),
        ("toestel 333", Reason.TEXT_BESIDE_NUMBER, "333"),
        ("Toestel: 333", Reason.TEXT_BESIDE_NUMBER, "333"),
        ("ext. 333 Jan", Reason.TEXT_BESIDE_NUMBER, "333"),
        ("0612345678/0687654321", Reason.SEVERAL_NUMBERS, None),
        ("0612345678 0687654321", Reason.SEVERAL_NUMBERS, None),
        ("0612345678, 0687654321", Reason.SEVERAL_NUMBERS, None),
        ("0612345678;0687654321", Reason.SEVERAL_NUMBERS, None),
        ("0612345678 - 0201234567", Reason.SEVERAL_NUMBERS, None),
        ("Jan 0612345678 of Piet 0687654321", Reason.SEVERAL_NUMBERS, None),
        ("0612345678 " * 3 + "0687654321 " * 3, Reason.SEVERAL_NUMBERS, None),
        ("061234567", Reason.TOO_SHORT, None),
        ("06-1234", Reason.TOO_SHORT, None),
        ("020-123", Reason.TOO_SHORT, None),
        ("1234567", Reason.TOO_SHORT, None),
        ("+32471", Reason.TOO_SHORT, None),
        ("0800-12", Reason.TOO_SHORT, None),
        ("06123456789", Reason.TOO_LONG, None),
        ("0800-12345678", Reason.TOO_LONG, None),
        ("0970101234567", Reason.TOO_LONG, None),
        ("+3247123456789", Reason.TOO_LONG, None),
        ("+31612345678901234", Reason.TOO_LONG, None),
        ("1" * 16, Reason.TOO_LONG, None),
        ("1" * 10_000, Reason.TOO_LONG, None),
        ("0600000000", Reason.INVALID_NUMBER, None),
        ("0800-12345", Reason.INVALID_NUMBER, None),
        ("123456789012", Reason.INVALID_NUMBER, None),
        ("+310612345678", Reason.INVALID_NUMBER, "0612345678"),
        ("+31 06 12345678", Reason.INVALID_NUMBER, "0612345678"),
        ("00 0 31612345678", Reason.INVALID_NUMBER, "0612345678"),
        ("+0612345678", Reason.INVALID_NUMBER, "0612345678"),
        ("00612345678", Reason.INVALID_NUMBER, "0612345678"),
        ("+612345678", Reason.INVALID_NUMBER, None),
        ("000 12345678", Reason.INVALID_NUMBER, None),
        ("+999123456789", Reason.INVALID_NUMBER, None),
        ("06-1234567O", Reason.LETTERS, None),
        ("O612345678", Reason.LETTERS, "0612345678"),
        ("0800-BELNU1", Reason.LETTERS, None),
        ("０６１２３４５６７８", Reason.LOOKALIKE_DIGITS, "0612345678"),
        ("٠٦١٢٣٤٥٦٧٨", Reason.LOOKALIKE_DIGITS, "0612345678"),
        ("＋31612345678", Reason.LOOKALIKE_DIGITS, "0612345678"),
        ("061234567⁸", Reason.LOOKALIKE_DIGITS, "0612345678"),
        ("0\u0336612345678", Reason.LOOKALIKE_DIGITS, "0612345678"),
        ("𝟎𝟔𝟏𝟐𝟑𝟒𝟓𝟔𝟕", Reason.LOOKALIKE_DIGITS, None),
        ("③33", Reason.LOOKALIKE_DIGITS, "333"),
        ("06\u202c12345678", Reason.INVISIBLE_CHARACTERS, None),
        ("0612\u200b345678", Reason.INVISIBLE_CHARACTERS, None),
        ("\u202e8765432160", Reason.INVISIBLE_CHARACTERS, None),
        ("\ufeff0612345678", Reason.INVISIBLE_CHARACTERS, None),
        ("0612345678\x00", Reason.INVISIBLE_CHARACTERS, None),
        ("06\t12345678", Reason.INVISIBLE_CHARACTERS, None),
        ("0\ufe0f\u20e36\ufe0f\u20e312345678", Reason.INVISIBLE_CHARACTERS, None),
        ("333\u2060", Reason.INVISIBLE_CHARACTERS, None),
        ("Jan\u200b 0612345678", Reason.INVISIBLE_CHARACTERS, None),
        ("*21*0612345678#", Reason.SERVICE_PREFIX, None),
        ("#31#0612345678", Reason.SERVICE_PREFIX, None),
        ("0612345678#", Reason.SERVICE_PREFIX, None),
        ("*100", Reason.SERVICE_PREFIX, None),
        ("0612345678;ext=5", Reason.SERVICE_PREFIX, None),
        ("0612345678,,5#", Reason.SERVICE_PREFIX, None),
        ("0612345678p123", Reason.SERVICE_PREFIX, None),
        ("0612345678;5", Reason.SERVICE_PREFIX, None),
        ("bel *21*0612345678# Jan", Reason.SERVICE_PREFIX, None),
    ],
)
def test_what_looks_like_a_destination_gets_its_reason_and_its_repair(title, reason, suggestion):
    verdict = explain(title)
    assert (verdict.reason, verdict.suggestion) == (reason, suggestion)
    assert (verdict.kind, verdict.value, verdict.allowed) == (Kind.NONE, None, False)
    assert not is_ordinary(verdict.reason)


@pytest.mark.parametrize(
    "title",
    [
        "Vergadering",
        "10-12",
        "06-12",
        "06/12",
        "06,12",
        "06:12",
        "09:00-1700",
        "14-02",
        "14 20",
        "116-12",
        "0830-1700",
        "0800-1700 overleg",
        "5",
        "+5",
        "Q3",
        "Overleg 09:00-17:00",
        "09.00-17.00",
        "09:00 - 17:00",
        "01-12-2026",
        "2026-12-01",
        "01/12/2026",
        "20261201",
        "2026-2027",
        "Verjaardag 01-12-2026",
        "Kamer 333",
        "333 334",
        "333/334",
        "#333",
        "Ticket 4821",
        "Factuur 20261234",
        "Bel 112",
        "1/2",
        "Café 2026 ②",
        "👩‍👩‍👧 op 3 mei",
        "x" * 10_000,
        "a1" * 5_000,
        "- 1 " * 14,
        "0 6 " * 500 + "x",
        "()()()1",
        "+",
    ],
)
def test_ordinary_appointments_stay_silent(title):
    verdict = explain(title)
    assert verdict.reason is Reason.ORDINARY_TEXT
    assert (verdict.kind, verdict.value, verdict.suggestion) == (Kind.NONE, None, None)
    assert is_ordinary(verdict.reason)


AREA_CODES = (
    "010 0111 0113 0114 0115 0117 0118 013 015 0161 0162 0164 0165 0166 0167 0168 0172 0174 "
    "0180 0181 0182 0183 0184 0186 0187 020 0222 0223 0224 0226 0227 0228 0229 023 024 0251 "
    "0252 0255 026 0294 0297 0299 030 0313 0314 0315 0316 0317 0318 0320 0321 033 0341 0342 "
    "0343 0344 0345 0346 0347 0348 035 036 038 040 0411 0412 0413 0416 0418 043 045 046 0475 "
    "0478 0481 0485 0486 0487 0488 0492 0493 0495 0497 0499 050 0511 0512 0513 0514 0515 0516 "
    "0517 0518 0519 0521 0522 0523 0524 0525 0527 0528 0529 053 0541 0543 0544 0545 0546 0547 "
    "0548 055 0561 0562 0566 0570 0571 0572 0573 0575 0577 0578 058 0591 0592 0593 0594 0595 "
    "0596 0597 0598 0599 070 071 072 073 074 075 076 077 078 079"
)


@pytest.mark.parametrize("code", AREA_CODES.split())
def test_every_area_code_forwards_in_every_usual_spelling_and_at_no_other_length(code):
    rest = "234567890"[: 10 - len(code)]
    value = f"+31{code[1:]}{rest}"
    spellings = [
        code + rest,
        f"{code}-{rest}",
        f"({code}) {rest}",
        value,
        f"+31 (0){code[1:]} {rest}",
    ]
    for title in spellings:
        assert (explain(title).value, explain(title).allowed) == (value, True), title
    assert explain(code + rest[:-1]).reason is Reason.TOO_SHORT
    assert explain(code + rest + "1").reason is Reason.TOO_LONG


@pytest.mark.parametrize(
    "prefixes, reason",
    [
        ("061 062 063 064 065 068 085 088 091", None),
        ("066", Reason.PAGER),
        ("067 082", Reason.SERVICE_NUMBER),
        ("084 087", Reason.PERSONAL_NUMBER),
        ("097", Reason.M2M),
        ("0900 0906 0909", Reason.PREMIUM),
        ("060 069 081 083 086 089 092 093 094 095 096 098 099", Reason.INVALID_NUMBER),
    ],
)
def test_every_other_dutch_prefix_is_allowed_or_refused_for_its_own_reason(prefixes, reason):
    for prefix in prefixes.split():
        national = (prefix + "1234567")[:10]
        for title in [national, f"+31{national[1:]}", f"0031 (0){national[1:]}"]:
            assert explain(title).reason is reason, title
            assert explain(title).allowed is (reason is None), title


@pytest.mark.parametrize("title", [None, "", "   ", "\n\t", "\u00a0\u3000"])
def test_no_title_is_ordinary(title):
    assert read_title(title).reason is Reason.EMPTY_TITLE
    assert is_ordinary(read_title(title).reason)


@pytest.mark.parametrize(
    "title, kind, value, reason",
    [
        ("112", Kind.EXTENSION, "112", Reason.EMERGENCY),
        ("0112", Kind.EXTENSION, "0112", Reason.EMERGENCY),
        ("00112", Kind.EXTENSION, "00112", Reason.EMERGENCY),
        ("9112", Kind.EXTENSION, "9112", Reason.EMERGENCY),
        ("911", Kind.EXTENSION, "911", Reason.EMERGENCY),
        ("113", Kind.EXTENSION, "113", Reason.EMERGENCY),
        ("144", Kind.EXTENSION, "144", Reason.EMERGENCY),
        ("999", Kind.EXTENSION, "999", Reason.EMERGENCY),
        ("08", Kind.EXTENSION, "08", Reason.EMERGENCY),
        ("116000", Kind.EXTENSION, "116000", Reason.EMERGENCY),
        ("+31112", Kind.NUMBER, None, Reason.EMERGENCY),
        ("+112", Kind.NUMBER, None, Reason.EMERGENCY),
        ("0031112", Kind.NUMBER, None, Reason.EMERGENCY),
        ("+31 116 000", Kind.NUMBER, None, Reason.EMERGENCY),
        ("0800-8112", Kind.NUMBER, None, Reason.EMERGENCY),
        ("0900-8844", Kind.NUMBER, "+319008844", Reason.PREMIUM),
        ("0906-1234567", Kind.NUMBER, "+319061234567", Reason.PREMIUM),
        ("0900", Kind.NUMBER, None, Reason.PREMIUM),
        ("090988", Kind.NUMBER, None, Reason.PREMIUM),
        ("0900-123", Kind.NUMBER, None, Reason.PREMIUM),
        ("+31 900 8844", Kind.NUMBER, "+319008844", Reason.PREMIUM),
        ("+979123456789", Kind.NUMBER, "+979123456789", Reason.PREMIUM),
        ("097010123456", Kind.NUMBER, "+3197010123456", Reason.M2M),
        ("0661234567", Kind.NUMBER, "+31661234567", Reason.PAGER),
        ("0841234567", Kind.NUMBER, "+31841234567", Reason.PERSONAL_NUMBER),
        ("0871234567", Kind.NUMBER, "+31871234567", Reason.PERSONAL_NUMBER),
        ("14020", Kind.EXTENSION, "14020", Reason.SHORT_CODE),
        ("140223", Kind.EXTENSION, "140223", Reason.SHORT_CODE),
        ("+3114020", Kind.NUMBER, "+3114020", Reason.SHORT_CODE),
        ("1888", Kind.EXTENSION, "1888", Reason.SHORT_CODE),
        ("1600", Kind.EXTENSION, "1600", Reason.SHORT_CODE),
        ("1400", Kind.EXTENSION, "1400", Reason.SHORT_CODE),
        ("14 020", Kind.NUMBER, None, Reason.SHORT_CODE),
        ("14-0223", Kind.NUMBER, None, Reason.SHORT_CODE),
        ("116 123", Kind.NUMBER, None, Reason.EMERGENCY),
        ("0113", Kind.EXTENSION, "0113", Reason.EMERGENCY),
        ("0671234567", Kind.NUMBER, None, Reason.SERVICE_NUMBER),
        ("082-1234567", Kind.NUMBER, None, Reason.SERVICE_NUMBER),
        ("0971234567", Kind.NUMBER, None, Reason.M2M),
        ("1233", Kind.EXTENSION, "1233", Reason.SHORT_CODE),
        ("0612", Kind.EXTENSION, "0612", Reason.TOO_SHORT),
        ("+88216123456", Kind.NUMBER, "+88216123456", Reason.SATELLITE),
        ("+881612345678", Kind.NUMBER, "+881612345678", Reason.SATELLITE),
        ("+870773123456", Kind.NUMBER, "+870773123456", Reason.SATELLITE),
        ("0088123456789", Kind.NUMBER, None, Reason.SATELLITE),
        ("+32471234567", Kind.NUMBER, "+32471234567", Reason.COUNTRY_CLOSED),
        ("+1 809 123 4567", Kind.NUMBER, "+18091234567", Reason.COUNTRY_CLOSED),
    ],
)
def test_real_destinations_that_are_refused_keep_what_they_read_as(title, kind, value, reason):
    verdict = explain(title)
    assert (verdict.kind, verdict.value, verdict.reason) == (kind, value, reason)
    assert not verdict.allowed
    assert verdict.suggestion is None
    assert verdict.destination is None


def test_a_dutch_number_with_one_zero_too_many_is_no_satellite_but_is_asked_about():
    """0088 1234567 would ring a satellite network; 088 1234567 is a company."""
    verdict = explain("00881234567")
    assert (verdict.reason, verdict.suggestion) == (Reason.SATELLITE, "0881234567")


def test_a_suggestion_is_never_something_that_would_be_refused_itself():
    assert read_title("9008844").suggestion == "09008844"
    assert explain("9008844").suggestion is None
    assert explain("Bel 0900-8844").suggestion is None
    only_200 = LineContext(known_extensions=frozenset({"200"}))
    assert explain("toestel 333", line=only_200).suggestion is None
    assert explain("toestel 200", line=only_200).suggestion == "200"
    assert explain("toestel 200", line=LineContext(killed=True)).suggestion == "200"


@pytest.mark.parametrize(
    "piece",
    [
        *("*", "#", "1*", "0 ", "0-", ";", "; a", "+", "(0", "a1", "1 ", "0.0.x", "toestel "),
        *("0612345678 ", "612345678,", "06 12 34 56 x ", "01-12-2026 "),
        *("０", "0\u0336", "\u200b", "\ufdfa"),
    ],
)
@pytest.mark.parametrize("size", [1_990, 10_000])
def test_hostile_titles_cost_little(piece, size):
    """A pattern that looks back and forth over ten thousand signs would take seconds."""
    title = (piece * size)[:size] + "x1"
    before = process_time()
    assert not explain(title).allowed
    assert process_time() - before < 0.2
