"""The scale run's picture: each figure as a part of its limit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

WIDTH, ROW, LEFT, RIGHT, TOP = 720, 34, 190, 150, 50


def draw(path: Path, figures: Mapping[str, Any], limits: Mapping[str, float]) -> None:
    """Write the picture as an SVG that reads in light and dark."""
    height = TOP + ROW * len(limits) + 20
    full = WIDTH - LEFT - RIGHT
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            'font-family="sans-serif" font-size="13">'
        ),
        f"<title>Figures at {figures['links']} links, each beside its limit</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        (
            f'<text x="{LEFT}" y="24" font-weight="bold">{figures["links"]:,} links, '
            f"{figures['windows']:,} windows: part of the limit</text>"
        ),
        (
            f'<line x1="{LEFT + full}" y1="{TOP - 10}" x2="{LEFT + full}" y2="{height - 14}" '
            'stroke="#a3430f" stroke-dasharray="6 4"/>'
        ),
    ]
    for place, (name, limit) in enumerate(limits.items()):
        share = min(1.0, figures[name] / limit)
        y = TOP + place * ROW
        parts.append(
            f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end">{name}</text>'
            f'<rect x="{LEFT}" y="{y}" width="{max(1.0, share * full):.1f}" height="20" '
            'fill="#0b5cad"/>'
            f'<text x="{LEFT + full + 10}" y="{y + 15}">{figures[name]:g} of {limit:g}</text>'
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", "utf-8")
