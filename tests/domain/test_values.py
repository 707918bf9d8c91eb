"""Destinations as values, written out, and the reasons' severities."""

from __future__ import annotations

import pytest

from gcal_plugin.domain import numbering
from gcal_plugin.domain.destination import Destination, Kind, display, international, national
from gcal_plugin.domain.reasons import Reason, Severity, is_ordinary, severity
from gcal_plugin.domain.values import Reading


@pytest.mark.parametrize(
    "kind, value",
    [
        (Kind.NUMBER, "0612345678"),
        (Kind.NUMBER, "+0612345678"),
        (Kind.NUMBER, "+31 612345678"),
        (Kind.NUMBER, "+31612345678\n"),
        (Kind.NUMBER, "+３1612345678"),
        (Kind.NUMBER, "+1234567890123456"),
        (Kind.NUMBER, "+31"),
        (Kind.NUMBER, ""),
        (Kind.EXTENSION, "3"),
        (Kind.EXTENSION, "3333333"),
        (Kind.EXTENSION, "33a"),
        (Kind.EXTENSION, "333\n"),
        (Kind.EXTENSION, "*21*"),
        (Kind.NONE, "333"),
    ],
)
def test_no_other_text_can_be_a_destination(kind, value):
    with pytest.raises(ValueError, match="not a"):
        Destination(kind, value)


def test_stored_values_are_read_back():
    assert Destination.parse("+31612345678") == Destination(Kind.NUMBER, "+31612345678")
    assert Destination.parse("333") == Destination(Kind.EXTENSION, "333")
    assert str(Destination.parse("333")) == "333"
    with pytest.raises(ValueError, match="not a"):
        Destination.parse("0900-8844")


def test_a_destination_says_whether_it_is_a_number():
    number, extension = Destination.parse("+31612345678"), Destination.parse("333")
    assert (number.is_number, number.number) == (True, "+31612345678")
    assert (extension.is_number, extension.number) == (False, None)


def test_a_reading_with_a_reason_is_no_destination():
    assert Reading(Kind.NUMBER, "+31612345678", Reason.PREMIUM).destination is None
    assert Reading(Kind.NONE, None).destination is None


@pytest.mark.parametrize(
    "value, home, abroad, shown",
    [
        ("+31612345678", "0612345678", "0031612345678", "06 12345678"),
        ("+31201234567", "0201234567", "0031201234567", "020 123 4567"),
        ("+318001234", "08001234", "00318001234", "0800 1234"),
        ("+32471234567", "0032471234567", "0032471234567", "+32 471 23 45 67"),
        ("333", "333", "333", "333"),
    ],
)
def test_written_forms(value, home, abroad, shown):
    destination = Destination.parse(value)
    assert national(destination) == home
    assert international(destination) == abroad
    assert display(destination) == display(value) == shown


def test_a_number_that_the_library_does_not_know_is_shown_as_it_is():
    assert display("+999123456789") == "+999123456789"
    assert numbering.region("+999123456789") is None
    assert numbering.number_type("+999123456789") == "unknown"
    assert numbering.region("+88216123456") is None
    assert numbering.region("+31612345678") == "NL"


def test_every_reason_has_a_severity_and_a_code_that_fits_its_column():
    told = {one: severity(one) for one in Reason}
    assert set(told.values()) == set(Severity)
    assert {one for one in Reason if is_ordinary(one)} == {
        Reason.ORDINARY_TEXT,
        Reason.EMPTY_TITLE,
        Reason.EVENT_TYPE,
        Reason.CANCELLED,
    }
    assert told[Reason.TOO_SHORT] is Severity.REPAIRABLE
    assert told[Reason.INVITATION] is Severity.STATE
    assert told[Reason.PREMIUM] is Severity.REFUSED
    assert not is_ordinary(None)
    assert all(len(one) <= 32 and one.isascii() for one in Reason)
