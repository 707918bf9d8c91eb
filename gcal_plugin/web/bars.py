"""A histogram as a picture: bars in percents of the width, so that it fits any screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 120
"""Of the drawing, in pixels; the labels stand below it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its label; `x` and `width` are percents of the drawing."""

    x: float
    width: float
    y: float
    height: float
    label: str
    count: int
    bad: bool = False
    """Beyond what was promised: drawn in another way, not only in another colour."""


def bars(
    counts: Sequence[int], labels: Sequence[str], *, bad_from: int | None = None
) -> tuple[Bar, ...]:
    """The bars of a histogram, the fullest as high as the drawing; none where nothing was seen.

    What was seen at all is at least two pixels high.
    """
    most = max(counts, default=0)
    if not most:
        return ()
    step = 100 / len(counts)
    drawn = []
    for place, (count, label) in enumerate(zip(counts, labels, strict=True)):
        height = max(2.0, count / most * HEIGHT) if count else 0.0
        drawn.append(
            Bar(
                x=round(place * step + step * 0.1, 3),
                width=round(step * 0.8, 3),
                y=round(HEIGHT - height, 1),
                height=round(height, 1),
                label=label,
                count=count,
                bad=bad_from is not None and place >= bad_from,
            )
        )
    return tuple(drawn)


def folded(counts: Sequence[int], bounds: Sequence[float], wanted: Sequence[float]) -> list[int]:
    """A histogram with the coarser bounds `wanted`, each of which is one of `bounds`."""
    found, start = [], 0
    for bound in wanted:
        end = list(bounds).index(bound) + 1
        found.append(sum(counts[start:end]))
        start = end
    return [*found, sum(counts[start:])]
