"""The week as a picture: one drawing a day, in percents of its width, to fit any screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ..domain.destination import display
from ..services.reporting import DestinationView, WeekBar, WeekView

LANE = 26
"""Height of one bar, with the space below it."""
BAR = 22
PAD = 4
_DAY = 24 * 60
HOURS = (0, 6, 12, 18, 24)
_WIDE = 430
_NARROW = 190
"""The drawing's width in pixels on a small desktop and on the smallest phone."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One drawn forward; `x` and `width` are percents of the day."""

    x: float
    width: float
    y: int
    forwards: bool
    destination: DestinationView | None
    first: str
    last: str
    fits: str
    """Where the number fits: `always`, `wide` (not on a phone) or `never`."""
    held: bool = False

    @property
    def middle(self) -> float:
        """Where its sign stands, in percents of the day: a bar may be narrower than the sign."""
        return round(self.x + self.width / 2, 2)


@dataclass(frozen=True, slots=True)
class Row:
    """One day."""

    day: date
    height: int
    bars: tuple[Bar, ...]
    now: float | None = None
    """Where the present is, on today's row."""


def picture(week: WeekView) -> tuple[Row, ...]:
    """The drawings of a week; none where there is nothing to draw."""
    if week.empty:
        return ()
    return tuple(
        Row(
            day=day.day,
            height=day.lanes * LANE + PAD,
            bars=tuple(_bar(bar) for bar in day.bars),
            now=_percent(week.now_minute) if place == 0 else None,
        )
        for place, day in enumerate(week.days)
    )


def _bar(bar: WeekBar) -> Bar:
    minutes = bar.last_minute - bar.first_minute
    return Bar(
        x=_percent(bar.first_minute),
        width=max(0.6, _percent(minutes)),
        y=PAD + bar.lane * LANE,
        forwards=bar.forwards,
        destination=bar.destination,
        first=_clock(bar.first_minute),
        last=_clock(bar.last_minute),
        fits=_fits(bar, minutes),
        held=bar.held,
    )


def _fits(bar: WeekBar, minutes: int) -> str:
    if bar.destination is None or bar.held or not bar.forwards:
        return "never"
    needed = len(display(bar.destination.value)) * 7.8 + 16
    if minutes * _NARROW / _DAY >= needed:
        return "always"
    return "wide" if minutes * _WIDE / _DAY >= needed else "never"


def _percent(minutes: int) -> float:
    return round(minutes * 100 / _DAY, 2)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
