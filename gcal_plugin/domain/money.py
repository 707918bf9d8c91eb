"""Prices as a Dutch business writes them: read from what people type, written with their total."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

CENT = Decimal("0.01")
HIGHEST = Decimal("99999.99")
VAT_PERCENT = Decimal(21)
"""The Dutch general rate."""

_CURRENCY = re.compile(r"^(?:EUR|€)\s*|\s*(?:EUR|€)$", re.IGNORECASE)
_ROUND = re.compile(r"[.,](?:-|--|–|—|=)$")
_SPACES = re.compile(r"(?<=[0-9])[ \u00a0\u202f'’](?=[0-9]{3}(?:[^0-9]|$))")
_PLAIN = re.compile(r"[0-9]{1,9}")
_DECIMALS = re.compile(r"(?P<whole>[0-9]{1,9})[.,](?P<cents>[0-9]{1,2})")
_GROUPED = re.compile(r"[0-9]{1,3}(?:(?P<group>[.,])[0-9]{3})(?:(?P=group)[0-9]{3})*")
_GROUPED_DECIMALS = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:(?P<group>[.,])[0-9]{3})(?:(?P=group)[0-9]{3})*)"
    r"(?!(?P=group))[.,](?P<cents>[0-9]{1,2})"
)


class PriceFault(StrEnum):
    """Why something typed is no price."""

    EMPTY = "empty"
    UNREADABLE = "unreadable"
    NEGATIVE = "negative"
    TOO_HIGH = "too_high"


class NotAPrice(ValueError):
    """What was typed is no price; `fault` says why."""

    def __init__(self, typed: str, fault: PriceFault) -> None:
        super().__init__(f"{typed!r} is no price: {fault}")
        self.fault = fault


def parse_price(typed: str) -> Decimal:
    """Read "12,50", "12.50", "1.250,00", "1,250.00", "EUR 12,50", "€ 12,-"; raises NotAPrice.

    A separator before exactly three digits groups thousands, in Dutch and in English alike.
    """
    text = _CURRENCY.sub("", typed.strip()).strip()
    if not text:
        raise NotAPrice(typed, PriceFault.EMPTY)
    if text[0] in "-−":
        raise NotAPrice(typed, PriceFault.NEGATIVE)
    amount = _amount(_SPACES.sub("", _ROUND.sub("", text)))
    if amount is None:
        raise NotAPrice(typed, PriceFault.UNREADABLE)
    if amount > HIGHEST:
        raise NotAPrice(typed, PriceFault.TOO_HIGH)
    return amount.quantize(CENT)


def _amount(text: str) -> Decimal | None:
    if not text.isascii():
        return None
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    if _GROUPED.fullmatch(text):
        return Decimal(re.sub(r"[.,]", "", text))
    found = _DECIMALS.fullmatch(text) or _GROUPED_DECIMALS.fullmatch(text)
    if found is None:
        return None
    return Decimal(f"{re.sub(r'[.,]', '', found['whole'])}.{found['cents']}")


def format_price(amount: Decimal, locale: str = "nl") -> str:
    """Write "EUR 1.250,00" (nl) or "EUR 1,250.00" (en)."""
    text = f"{amount.quantize(CENT, ROUND_HALF_UP):,.2f}"
    if locale.startswith("nl"):
        text = text.translate(str.maketrans(",.", ".,"))
    return f"EUR {text}"


@dataclass(frozen=True, slots=True)
class Price:
    """An amount without VAT, with its rate."""

    amount: Decimal
    vat_percent: Decimal = VAT_PERCENT

    @property
    def total(self) -> Decimal:
        """With VAT, rounded to the cent, half up."""
        return (self.amount * (1 + self.vat_percent / 100)).quantize(CENT, ROUND_HALF_UP)

    def excluding(self, locale: str = "nl") -> str:
        """Write the amount without VAT."""
        return format_price(self.amount, locale)

    def including(self, locale: str = "nl") -> str:
        """Write the total."""
        return format_price(self.total, locale)

    def vat(self, locale: str = "nl") -> str:
        """Write the rate: "21%", or "5,5%"."""
        text = f"{self.vat_percent.normalize():f}"
        return f"{text.replace('.', ',') if locale.startswith('nl') else text}%"
