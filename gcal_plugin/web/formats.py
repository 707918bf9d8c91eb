"""Instants, durations, money and numbers, in the reader's language and the tenant's zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import dates, numbers

from ..domain.destination import Destination, display
from ..domain.money import format_price
from . import current
from .i18n import gettext, locale

_SPACE = "\u00a0"


def _local(moment: datetime) -> datetime:
    return moment.astimezone(current.zone())


@lru_cache(maxsize=2048)
def _date(value: date, pattern: str, language: str) -> str:
    """A date in words; the same few days come back on every page."""
    return dates.format_date(value, pattern, locale=language)


def clock(moment: datetime) -> str:
    """ "17:00" """
    return _clock(_local(moment))


def _clock(local: datetime) -> str:
    return f"{local.hour:02}:{local.minute:02}"


def day(moment: datetime | date) -> str:
    """ "dinsdag 24 november" """
    value = _local(moment).date() if isinstance(moment, datetime) else moment
    language = locale()
    return _date(value, _ORDER.get(language.language, _ORDER["en"])[0], str(language))


def short_day(moment: datetime | date) -> str:
    """ "di 24 nov" """
    value = _local(moment).date() if isinstance(moment, datetime) else moment
    language = locale()
    pattern = _ORDER.get(language.language, _ORDER["en"])[1]
    return _date(value, pattern, str(language)).replace(".", "")


def weekday(value: date) -> str:
    """ "di 24", for the narrow column beside the week's drawing."""
    return dates.format_date(value, "EEE d", locale=locale()).replace(".", "")


# Day before month in Dutch and in (international) English alike; a language may differ here.
_ORDER = {"nl": ("EEEE d MMMM", "EEE d MMM"), "en": ("EEEE d MMMM", "EEE d MMM")}


def moment(value: datetime) -> str:
    """As short as it can be: "17:00" today, "di 09:00" this week, "di 1 dec 09:00" after it."""
    away = (_local(value).date() - _local(current.now()).date()).days
    if away == 0:
        return clock(value)
    if 0 < away < 7 or -2 < away < 0:
        name = _date(_local(value).date(), "EEE", str(locale())).rstrip(".")
        return f"{name}{_SPACE}{clock(value)}"
    return f"{short_day(value)} {clock(value)}".replace(" ", _SPACE)


def full(value: datetime) -> str:
    """ "dinsdag 24 november 2026 09:00", for lists that go back in time and for tooltips."""
    local = _local(value)
    return f"{day(local)} {local.year} {clock(value)}"


def date_long(value: datetime | date) -> str:
    """ "24 november 2026" """
    return dates.format_date(
        _local(value) if isinstance(value, datetime) else value, "d MMMM y", locale=locale()
    )


def date_short(value: datetime) -> str:
    """ "24 nov 2026", where there is little room."""
    return _date(_local(value).date(), "d MMM y", str(locale())).replace(".", "")


def iso(value: datetime) -> str:
    """For `<time datetime>`."""
    return value.isoformat(timespec="seconds")


def period(start: datetime, end: datetime, *, all_day: bool = False) -> str:
    """ "09:00 – 17:00", "hele dag", with the day of the end when that is another.

    What began before today says when: it stands under today. All day is said only of whole days on
    the reader's clock: one of a calendar in another zone begins at another hour here. In the hour
    that autumn repeats both ends may read alike; then they say which of the two they are.
    """
    first, last = _local(start), _local(end)
    if all_day and first.time() == last.time() == time():
        final = last.date() - timedelta(days=1)
        if final <= first.date():
            return gettext("all day")
        return gettext("all day, up to and including %(day)s", day=short_day(final))
    today = _local(current.now()).date()
    begin = _clock(first) if first.date() >= today else moment(start)
    finish = _clock(last)
    if first.utcoffset() != last.utcoffset() and last.replace(tzinfo=None) <= first.replace(
        tzinfo=None
    ):
        begin, finish = f"{begin} {first.tzname()}", f"{finish} {last.tzname()}"
    if last.date() in {first.date(), today} or (last - first) < timedelta(hours=18):
        return f"{begin} – {finish}"
    return f"{begin} – {short_day(last)} {finish}"


def duration(value: timedelta | float) -> str:
    """ "2 uur", "45 minuten" """
    delta = value if isinstance(value, timedelta) else timedelta(seconds=value)
    return dates.format_timedelta(delta, threshold=1, locale=locale())


def duration_short(value: float) -> str:
    """ "15 min", "12 u", for the label of a bar."""
    delta = timedelta(seconds=value)
    return dates.format_timedelta(delta, threshold=1, format="narrow", locale=locale())


def ago(value: datetime) -> str:
    """ "3 minuten geleden" """
    return dates.format_timedelta(
        value - current.now(), add_direction=True, threshold=1.2, locale=locale()
    )


def seconds(value: float) -> str:
    """ "1,2 s" """
    return numbers.format_decimal(round(value, 1), locale=locale()) + f"{_SPACE}s"


def seconds_exact(value: float) -> str:
    """ "45 ms", "1,2 s", "12 minuten": two digits that count."""
    if value < 1:
        return f"{round(value * 1000)}{_SPACE}ms"
    return seconds(value) if value < 120 else duration(value)


def money(value: Decimal) -> str:
    """ "EUR 12,50", as quotes and mails have it."""
    return format_price(value, locale().language)


def money_text(value: str) -> str:
    """An amount that a history keeps as text."""
    return money(Decimal(value))


def plain_amount(value: Decimal) -> str:
    """ "12,50": an amount as it stands in a form, without a currency; "21" stays "21"."""
    whole = value == value.to_integral_value()
    pattern = "0" if whole else "0.00"
    return numbers.format_decimal(value, format=pattern, locale=locale(), group_separator=False)


def phone(value: str | Destination) -> str:
    """ "06 12345678", "333" """
    return display(value)


def phone_kept(value: str | Destination) -> str:
    """A number that does not break over two lines."""
    return display(value).replace(" ", _SPACE)


FILTERS: dict[str, Callable[..., Any]] = {
    "ago": ago,
    "clock": clock,
    "date_long": date_long,
    "date_short": date_short,
    "day": day,
    "duration": duration,
    "full": full,
    "iso": iso,
    "moment": moment,
    "money": money,
    "money_text": money_text,
    "period": period,
    "phone": phone_kept,
    "seconds": seconds,
    "seconds_exact": seconds_exact,
    "short_day": short_day,
    "weekday": weekday,
}
