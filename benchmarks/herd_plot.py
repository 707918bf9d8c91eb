"""The herd's picture: how many of the lines have switched, so many seconds after the edge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 40, 50
SHORTEST = 0.01


def draw(path: Path, ours: Sequence[float], peer: Sequence[float]) -> None:
    """Write the plot as an SVG that reads in light and dark."""
    longest = max(peer[-1], ours[-1], 1.0)
    top = 10 ** math.ceil(math.log10(longest))
    decades = range(int(math.log10(SHORTEST)), int(math.log10(top)) + 1)

    def x(seconds: float) -> float:
        share = math.log10(max(seconds, SHORTEST) / SHORTEST) / math.log10(top / SHORTEST)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'font-family="sans-serif" font-size="13">'
        ),
        f"<title>Share of {len(ours)} lines switched, by seconds after the edge</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for decade in decades:
        at = x(10**decade)
        words = f"{10**decade:g} s"
        parts.append(
            f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#ddd"/>'
            f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{words}</text>'
        )
    parts += [
        f'<line x1="{LEFT}" y1="{y(share):.1f}" x2="{WIDTH - RIGHT}" y2="{y(share):.1f}" '
        'stroke="#ddd"/>'
        f'<text x="{LEFT - 8}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    for seconds, colour, dash, words in (
        (ours, "#0b5cad", "", "armed batches"),
        (peer, "#a3430f", ' stroke-dasharray="6 4"', "one RQ job per line"),
    ):
        step = max(1, len(seconds) // 400)
        points = [
            (x(late), y((place + 1) / len(seconds)))
            for place, late in enumerate(seconds)
            if place % step == 0 or place == len(seconds) - 1
        ]
        line = " ".join(f"{across:.1f},{up:.1f}" for across, up in points)
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.5"{dash}/>'
        )
        middle = points[len(points) // 2]
        side, anchor = (10, "start") if middle[0] < WIDTH / 2 else (-10, "end")
        parts.append(
            f'<text x="{middle[0] + side:.1f}" y="{middle[1]:.1f}" fill="{colour}" '
            f'text-anchor="{anchor}">{words}</text>'
        )
    parts.append(
        f'<text x="{LEFT}" y="22" font-weight="bold">{len(ours)} lines, one instant: '
        "share switched, by seconds after the edge (logarithmic)</text></svg>"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(parts) + "\n", "utf-8")
