"""What people type into requests and quotes, checked field by field; codes, not words."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from ...domain.money import NotAPrice, parse_price

_EMAIL = re.compile(r"[^@\s,;<>\"()\[\]\\]{1,64}@[^\W_](?:(?:[^\W_]|[.-]){0,250}[^\W_])?")
"""Also `p.d'hondt@` and domains with letters of other alphabets: the portal knows who has it."""
_EXTENSION = re.compile(r"[0-9]{2,6}")
_LONG_TEXT = 4000


class Fields:
    """Collects what is wrong, so that all faults of a form are told at once."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}

    def text(self, name: str, value: str, *, longest: int, required: bool = False) -> str:
        """One line: control and direction marks taken out, spaces at the ends too."""
        line = " ".join(readable(value).split())
        if required and not line:
            self.faults.setdefault(name, "required")
        if len(line) > longest:
            self.faults.setdefault(name, "too_long")
        return line[:longest]

    def lines(self, name: str, value: str, *, required: bool = False) -> str:
        """Several lines."""
        text = readable(value.replace("\r\n", "\n")).strip()
        if required and not text:
            self.faults.setdefault(name, "required")
        if len(text) > _LONG_TEXT:
            self.faults.setdefault(name, "too_long")
        return text[:_LONG_TEXT]

    def email(self, name: str, value: str) -> str:
        """An address of a person."""
        address = self.text(name, value, longest=254, required=True)
        if address and not _EMAIL.fullmatch(address):
            self.faults.setdefault(name, "not_an_email")
        return address

    def extension(self, name: str, value: str) -> str:
        """An extension's digits, in one piece."""
        digits = value.strip()
        if not digits:
            self.faults.setdefault(name, "required")
        elif not _EXTENSION.fullmatch(digits):
            self.faults.setdefault(name, "not_an_extension")
        return digits if _EXTENSION.fullmatch(digits) else ""

    def price(self, name: str, value: str) -> Decimal:
        """An amount without VAT; see `domain.money`."""
        try:
            return parse_price(value)
        except NotAPrice as error:
            self.faults.setdefault(name, f"price_{error.fault}")
            return Decimal(0)

    def percent(self, name: str, value: str) -> Decimal:
        """A rate of VAT between 0 and 100."""
        try:
            rate = Decimal(value.strip().rstrip("%").strip().replace(",", "."))
        except InvalidOperation:
            rate = Decimal(-1)
        if not rate.is_finite() or not 0 <= rate <= 100 or round(rate, 2) != rate:
            self.faults.setdefault(name, "not_a_rate")
            return Decimal(0)
        return rate

    def last_day(
        self, name: str, value: str, *, now: datetime, zone: ZoneInfo, farthest: int = 366
    ) -> datetime:
        """The end of a day to come, in the tenant's zone, as UTC; `value` is 2026-03-31."""
        try:
            day = date.fromisoformat(value.strip())
        except ValueError:
            self.faults.setdefault(name, "not_a_date")
            return now
        today = now.astimezone(zone).date()
        if day < today:
            self.faults.setdefault(name, "in_the_past")
        elif (day - today).days > farthest:
            self.faults.setdefault(name, "too_far")
        else:
            return datetime.combine(day, time(23, 59, 59), zone).astimezone(UTC)
        return now


def readable(value: str) -> str:
    """Text without control, invisible and direction characters; line ends are kept."""
    return "".join(char for char in value if char == "\n" or unicodedata.category(char)[0] != "C")
