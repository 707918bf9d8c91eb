"""A line's coming time as one string that an exchange can search by itself.

    1;RRRRRRRRR;NNNN;  then N times  EEEEEEEEEEOOOOOOLLLL  then the destinations

R the revision; N how many segments; E the second (unix) at which a segment ends; O and L where
its destinations stand in the last part, and how long they are, in characters. Segments follow one
another from the beginning of time: whoever wants to know who rings at a second takes the first
segment that ends after it. After the last one nobody does. Every field has a fixed width, so
that a dialplan finds a segment by halving. A plain set is one segment that never ends.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..domain.destination import Destination
from ..ports.telephony import Applied, ForeignForward, InvalidDestination, PlanWindow, Unsupported
from .rendering import NumberFormat, parse_set, render_set

FOREVER = 2_147_483_647
"""The end of a segment that has none; the largest number that every dialplan can count to."""
MAX_REVISION = 999_999_999
MAX_SEGMENTS = 999

_HEAD = re.compile(r"1;([0-9]{9});([0-9]{4});", re.ASCII)
_HEAD_WIDTH = 17
_ENTRY_WIDTH = 20


@dataclass(frozen=True, slots=True)
class Segment:
    """Until `end` (unix seconds, not included) calls go to these; empty is the own phone."""

    end: int
    destinations: frozenset[Destination]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A revision and its segments in order of their ends."""

    revision: int
    segments: tuple[Segment, ...]

    def ringing(self, second: int) -> frozenset[Destination]:
        """Who rings at a second."""
        for segment in self.segments:
            if second < segment.end:
                return segment.destinations
        return frozenset()

    def applied(self, second: int) -> Applied:
        """The same with the revision."""
        return Applied(self.ringing(second), self.revision)


def of_set(
    destinations: frozenset[Destination], revision: int, expires_at: datetime | None = None
) -> Timeline:
    """One set, for good or until it expires (rounded up to a whole second)."""
    end = FOREVER if expires_at is None else math.ceil(expires_at.timestamp())
    return Timeline(revision, (Segment(end, destinations),))


def of_windows(windows: Sequence[PlanWindow], valid_until: datetime, revision: int) -> Timeline:
    """A plan, its overlaps merged; windows that would start after its validity are left out.

    Both ends are rounded down to a second, so that a window that was cut off at this very instant
    has begun when the exchange looks.
    """
    spans = [
        (math.floor(one.start.timestamp()), math.floor(one.end.timestamp()), one.destination)
        for one in windows
        if one.start < valid_until and one.start < one.end
    ]
    edges = sorted({edge for start, end, _ in spans for edge in (start, end)})
    segments: list[Segment] = []
    before = -1
    for edge in edges:
        who = frozenset(to for start, end, to in spans if start <= before < end)
        if segments and segments[-1].destinations == who:
            segments[-1] = Segment(edge, who)
        else:
            segments.append(Segment(edge, who))
        before = edge
    return Timeline(revision, tuple(segments))


def check_width(timeline: Timeline, maximum: int | None) -> Timeline:
    """Refuse what the format or the exchange cannot hold."""
    if timeline.revision > MAX_REVISION:
        raise Unsupported(f"revision {timeline.revision} is beyond what this exchange can hold")
    if len(timeline.segments) > MAX_SEGMENTS:
        raise Unsupported(f"a plan of {len(timeline.segments)} changes, at most {MAX_SEGMENTS}")
    most = max((len(segment.destinations) for segment in timeline.segments), default=0)
    if maximum is not None and most > maximum:
        raise Unsupported(f"{most} destinations at once, this exchange takes {maximum}")
    return timeline


def encode(timeline: Timeline, number_format: NumberFormat) -> str:
    """The string; equal sets share their place in it."""
    places: dict[str, int] = {}
    payload = ""
    index = []
    for segment in timeline.segments:
        text = ",".join(render_set(segment.destinations, number_format))
        if text not in places:
            places[text] = len(payload)
            payload += text
        index.append(f"{segment.end:010d}{places[text]:06d}{len(text):04d}")
    head = f"1;{timeline.revision:09d};{len(timeline.segments):04d};"
    return head + "".join(index) + payload


def decode(value: str) -> Timeline:
    """The reverse; `ForeignForward` where the exchange holds something else (a hand at work)."""
    head = _HEAD.match(value)
    if head is None:
        raise ForeignForward(f"the exchange holds {value[:40]!r}, which is not ours")
    count = int(head[2])
    rest = value[_HEAD_WIDTH:]
    payload = rest[count * _ENTRY_WIDTH :]
    try:
        segments = tuple(_segments(rest, payload, count))
    except (ValueError, InvalidDestination) as error:
        raise ForeignForward(f"the exchange holds a broken value: {error}") from error
    return Timeline(int(head[1]), segments)


def _segments(index: str, payload: str, count: int) -> Iterable[Segment]:
    for place in range(count):
        entry = index[place * _ENTRY_WIDTH : (place + 1) * _ENTRY_WIDTH]
        end, offset, length = int(entry[:10]), int(entry[10:16]), int(entry[16:])
        if len(entry) != _ENTRY_WIDTH or offset + length > len(payload):
            raise ValueError("it was cut off")
        yield Segment(end, parse_set(payload[offset : offset + length].split(",")))
