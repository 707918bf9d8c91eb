"""The scale run's pictures: each figure as a part of its limit, and memory over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


HEIGHT, BOTTOM = 360, 40
COLOURS = ("#0b5cad", "#a3430f", "#2b7a3d", "#7a3d8f", "#8a6d00", "#555")


def draw_memory(path: Path, held: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Write each process's memory (seconds since its start, MiB) as a line in an SVG."""
    last = max(samples[-1][0] for samples in held.values())
    most = max(mib for samples in held.values() for _, mib in samples)
    top = 50 * (int(most / 50) + 1)
    left, right = 60, 90

    def x(seconds: float) -> float:
        return left + seconds / last * (WIDTH - left - right)

    def y(mib: float) -> float:
        return HEIGHT - BOTTOM - mib / top * (HEIGHT - BOTTOM - TOP)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'font-family="sans-serif" font-size="13">'
        ),
        f"<title>Memory of {len(held)} processes over {last / 60:.0f} minutes at rest</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        (
            f'<text x="{left}" y="24" font-weight="bold">Memory at rest, in MiB, by minutes since '
            "the start</text>"
        ),
    ]
    parts += [
        f'<line x1="{left}" y1="{y(mib):.1f}" x2="{WIDTH - right}" y2="{y(mib):.1f}" '
        'stroke="#ddd"/>'
        f'<text x="{left - 8}" y="{y(mib) + 4:.1f}" text-anchor="end">{mib}</text>'
        for mib in range(0, top + 1, 50)
    ]
    parts += [
        f'<text x="{x(last * part / 6):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">'
        f"{last * part / 360:.0f}</text>"
        for part in range(7)
    ]
    # The names stand beside their lines' ends, and below each other where those are close.
    below = 0.0
    ends = sorted(held, key=lambda name: -held[name][-1][1])
    for place, name in enumerate(ends):
        colour = COLOURS[place % len(COLOURS)]
        line = " ".join(f"{x(seconds):.1f},{y(mib):.1f}" for seconds, mib in held[name])
        below = max(below + 16, y(held[name][-1][1]) - 20)
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
            f'<text x="{WIDTH - right + 10}" y="{below:.1f}" fill="{colour}">{name}</text>'
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", "utf-8")
