"""Prices as people type them and as a Dutch business writes them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcal_plugin.domain.money import (
    HIGHEST,
    NotAPrice,
    Price,
    PriceFault,
    format_price,
    parse_price,
)


@pytest.mark.parametrize(
    "typed, amount",
    [
        ("12,50", "12.50"),
        ("12.50", "12.50"),
        ("12,5", "12.50"),
        ("12", "12.00"),
        ("€ 12,-", "12.00"),
        ("12,--", "12.00"),
        ("EUR 12,50", "12.50"),
        ("12,50 eur", "12.50"),
        (" 1.250,00 ", "1250.00"),
        ("1,250.00", "1250.00"),
        ("1.250", "1250.00"),
        ("1 250,00", "1250.00"),
        ("1'250", "1250.00"),
        ("12.345,67", "12345.67"),
        ("0", "0.00"),
    ],
)
def test_every_usual_way_to_write_a_price(typed, amount):
    assert parse_price(typed) == Decimal(amount)


@pytest.mark.parametrize(
    "typed, fault",
    [
        ("", PriceFault.EMPTY),
        ("  EUR ", PriceFault.EMPTY),
        ("-12", PriceFault.NEGATIVE),
        ("−12", PriceFault.NEGATIVE),
        ("twaalf", PriceFault.UNREADABLE),
        ("12,505,1", PriceFault.UNREADABLE),
        ("1.25.00", PriceFault.UNREADABLE),
        ("1,2,3", PriceFault.UNREADABLE),
        ("１２", PriceFault.UNREADABLE),
        ("12,50 per maand", PriceFault.UNREADABLE),
        ("100.000", PriceFault.TOO_HIGH),
        ("999999999", PriceFault.TOO_HIGH),
    ],
)
def test_what_is_no_price_says_why(typed, fault):
    with pytest.raises(NotAPrice) as told:
        parse_price(typed)
    assert told.value.fault is fault


@given(st.decimals(0, HIGHEST, places=2), st.sampled_from(["nl", "nl_NL", "en"]))
def test_a_written_price_reads_back(amount, locale):
    assert parse_price(format_price(amount, locale)) == amount


def test_the_total_is_rounded_half_up_to_the_cent():
    price = Price(Decimal("12.50"))
    assert price.total == Decimal("15.13")  # 15.125
    assert (price.excluding(), price.including(), price.vat()) == ("EUR 12,50", "EUR 15,13", "21%")
    assert price.including("en") == "EUR 15.13"
    assert Price(Decimal(1250), Decimal("5.50")).vat() == "5,5%"
    assert Price(Decimal(1250), Decimal("5.50")).vat("en") == "5.5%"
    assert Price(Decimal(1250)).excluding("en") == "EUR 1,250.00"
