"""The week as a picture: bars in a drawing of fixed measures, attributes only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ..services.reporting import DestinationView, WeekView

LEFT = 64
"""Where the names of the days end and the hours begin."""
HOUR = 28
ROW = 34
LANE = 26
TOP = 24
WIDTH = LEFT + 24 * HOUR + 8
_MINUTE = HOUR / 60


@dataclass(frozen=True, slots=True)
class Bar:
    """One drawn forward."""

    x: float
    y: float
    width: float
    height: float
    forwards: bool
    destination: DestinationView | None
    first: str
    last: str

    @property
    def roomy(self) -> bool:
        """Whether a number fits in it."""
        return self.width >= 96


@dataclass(frozen=True, slots=True)
class Row:
    """One day."""

    day: date
    y: float
    height: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that the template draws."""

    width: int
    height: float
    rows: tuple[Row, ...]
    hours: tuple[tuple[int, float], ...]
    now_x: float
    now_height: float


def picture(week: WeekView) -> Picture | None:
    """The drawing of a week; None where there is nothing to draw."""
    if week.empty:
        return None
    rows: list[Row] = []
    y: float = TOP
    for day in week.days:
        height = max(ROW, day.lanes * LANE + 8)
        bars = tuple(
            Bar(
                x=round(LEFT + bar.first_minute * _MINUTE, 1),
                y=y + 4 + bar.lane * LANE,
                width=max(3.0, round((bar.last_minute - bar.first_minute) * _MINUTE, 1)),
                height=LANE - 2,
                forwards=bar.forwards,
                destination=bar.destination,
                first=_clock(bar.first_minute),
                last=_clock(bar.last_minute),
            )
            for bar in day.bars
        )
        rows.append(Row(day.day, y, height, bars))
        y += height
    return Picture(
        width=WIDTH,
        height=y + 4,
        rows=tuple(rows),
        hours=tuple((hour, LEFT + hour * HOUR) for hour in range(0, 25, 6)),
        now_x=round(LEFT + week.now_minute * _MINUTE, 1),
        now_height=rows[0].height,
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
