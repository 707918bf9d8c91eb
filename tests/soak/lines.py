"""What a PBX's history says of its lines, beside what the oracle says they should have held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.oracle import Who, ringing

Line = tuple[str, str]
"""Domain and extension."""
Span = tuple[datetime, datetime, Who]
Write = Mapping[str, Any]


def supposed(spans: Sequence[Span], at: datetime) -> set[str]:
    """Who should ring at an instant."""
    return {value for _, value in ringing(spans, at)}


def by_line(writes: Sequence[Write]) -> dict[Line, list[tuple[datetime, set[str]]]]:
    """Each line's changes: (instant, who rings from then on), oldest first."""
    changes: dict[Line, list[tuple[datetime, set[str]]]] = {}
    for write in writes:
        held = {one["value"] for one in write["destinations"]}
        line = (write["domain"], write["extension"])
        changes.setdefault(line, []).append((datetime.fromisoformat(write["at"]), held))
    return changes


def early(writes: Sequence[Write], spans: Mapping[Line, Sequence[Span]]) -> list[str]:
    """Writes that let somebody ring whose first event on that line is still to come.

    One whose event ended was late, which `longest_wrong` measures.
    """
    found = []
    for line, changes in by_line(writes).items():
        for at, held in changes:
            begun = {value for begin, _, (_, value) in spans[line] if begin <= at}
            found += [f"{line} {value} at {at}" for value in held - begun]
    return found


def longest_wrong(
    writes: Sequence[Write],
    spans: Mapping[Line, Sequence[Span]],
    began: datetime,
    until: datetime,
) -> tuple[float, Line, datetime]:
    """The longest time in seconds that a line held something else than it should, and since when.

    Looked at between two instants, at every change of either side.
    """
    worst: tuple[float, Line, datetime] = (0.0, ("", ""), began)
    changes = by_line(writes)
    for line, found in spans.items():
        writes_here = [one for one in changes.get(line, []) if one[0] < until]
        edges = {edge for begin, end, _ in found for edge in (begin, end) if began < edge < until}
        moments = sorted({began, until, *edges, *(at for at, _ in writes_here if at > began)})
        wrong_since: datetime | None = None
        held: set[str] = set()
        place = 0
        for moment in moments:
            while place < len(writes_here) and writes_here[place][0] <= moment:
                held = writes_here[place][1]
                place += 1
            wrong = held != supposed(found, moment)
            if wrong_since is not None and (not wrong or moment == until):
                worst = max(worst, ((moment - wrong_since).total_seconds(), line, wrong_since))
            if not wrong:
                wrong_since = None
            elif wrong_since is None:
                wrong_since = moment
    return worst
