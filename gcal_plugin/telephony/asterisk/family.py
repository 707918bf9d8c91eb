"""The `asterisk` backend: forwards in a family of AstDB, read at call time by a dialplan snippet.

    gcal/<domain>/<extension>             revision:0:before:destinations      a set, - between them
    gcal/<domain>/<extension>             revision:N:before:                  a plan of N segments
    gcal-plan/<domain>/<extension>/<revision>/<n>     end:destinations        from 1 to N

`before` is the revision of a plan that this one replaced, or 0.

AstDB's values end after 255 characters, so a plan has a row for each segment. They are written
first, under the new revision; then the one row above them switches over. The rows of the revision
before stay for calls that are just reading them, those of older ones are deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ...domain.destination import Destination
from ...ports.telephony import (
    Applied,
    Capabilities,
    ForeignForward,
    InvalidDestination,
    Line,
    LineState,
    PlanWindow,
    Temporary,
)
from ..rendering import NumberFormat, check_line, check_set, parse_set, render_set
from ..segments import Segment, Timeline, check_width, of_set, of_windows
from ..verdict import judge, judge_plan
from .ami import Manager
from .base import ManagerTelephony
from .config import FamilyConfig, manager_of

FAMILY = "gcal"
PLANS = "gcal-plan"
BATCH = 500
BETWEEN = "-"
"""Between destinations: a comma would end an argument of the dialplan's Gosub."""


class PlanReplaced(Temporary):
    """The rows of a plan went away between two reads."""


@dataclass(frozen=True, slots=True)
class Head:
    """The row that decides; `texts` are its destinations as they stand there."""

    revision: int
    segments: int
    before: int
    texts: str = ""

    @property
    def plan(self) -> int:
        """The revision whose rows are below this one; 0 where there are none."""
        return self.revision if self.segments else 0

    @property
    def destinations(self) -> frozenset[Destination]:
        """The set of a head without a plan; `ForeignForward` where it is not ours."""
        try:
            return parse_set(self.texts.split(BETWEEN))
        except InvalidDestination as error:
            raise ForeignForward(f"the exchange holds {self.texts[:40]!r}, not ours") from error

    @classmethod
    def read(cls, value: str | None) -> Head:
        """From AstDB; nothing is revision 0, and another form is somebody else's."""
        if not value:
            return cls(0, 0, 0)
        try:
            revision, segments, before, texts = value.split(":")
            return cls(int(revision), int(segments), int(before), texts)
        except ValueError as error:
            raise ForeignForward(f"the exchange holds {value[:40]!r}, not ours") from error


class FamilyTelephony(ManagerTelephony):
    """One Asterisk with the shipped dialplan snippet."""

    probe = (FAMILY, "check.invalid/0")

    def __init__(
        self, name: str, manager: Manager, *, number_format: NumberFormat = "national"
    ) -> None:
        capabilities = Capabilities(
            max_destinations=10,
            caller_number="caller",
            without_answer="ends",
            number_format=number_format,
            bulk=BATCH,
            plan=True,
            expiry=True,
            proven=False,
        )
        super().__init__(name, manager, capabilities)

    def replace(
        self,
        line: Line,
        destinations: frozenset[Destination],
        *,
        revision: int,
        expires_at: datetime | None = None,
    ) -> Applied:
        wanted = check_set(destinations, maximum=self.capabilities.max_destinations)
        if expires_at is not None:
            return judge_plan(revision, self._write(line, of_set(wanted, revision, expires_at)))
        texts = render_set(wanted, self.capabilities.number_format)
        with self._writing:
            head = self._before(line)
            if revision > head.revision:
                value = f"{revision}:0:{head.plan}:{BETWEEN.join(texts)}"
                held = self._switch(line, head, value)
                if held == value:
                    return Applied(wanted, revision)
                head = Head.read(held)
            return judge(wanted, revision, self._now(line, head))

    def replace_plan(
        self, line: Line, windows: Sequence[PlanWindow], *, valid_until: datetime, revision: int
    ) -> Applied:
        return judge_plan(revision, self._write(line, of_windows(windows, valid_until, revision)))

    def read(self, line: Line) -> Applied:
        for _ in range(2):
            try:
                return self._now(line, self._head(line))
            except PlanReplaced:
                continue  # as the dialplan does: once more, with the new one
        return self._now(line, self._head(line))

    def read_all(self) -> Iterator[LineState]:
        for key, value in self._manager.tree(FAMILY).items():
            domain, _, extension = key.rpartition("/")
            line = Line(domain, extension)
            try:
                applied = self._listed(line, value)
            except (ForeignForward, PlanReplaced) as error:
                yield LineState(line, frozenset(), 0, odd=str(error))
            else:
                yield LineState(line, applied.destinations, applied.revision)

    def _listed(self, line: Line, value: str) -> Applied:
        try:
            return self._now(line, Head.read(value))
        except PlanReplaced:
            return self.read(line)

    def _write(self, line: Line, timeline: Timeline) -> Applied:
        check_width(timeline, self.capabilities.max_destinations)
        with self._writing:
            head = self._before(line)
            if timeline.revision > head.revision:
                below = f"{_key(line)}/{timeline.revision}"
                for place, segment in enumerate(timeline.segments, start=1):
                    self._manager.put(PLANS, f"{below}/{place}", self._row(segment))
                count = len(timeline.segments)
                value = f"{timeline.revision}:{count}:{head.plan}:"
                head = Head.read(self._switch(line, head, value))
            return self._now(line, head)

    def _switch(self, line: Line, old: Head, value: str) -> str | None:
        """Write the row that decides; what it then is. Rows that nobody reads any more go."""
        held = self._manager.put_and_get(FAMILY, _key(line), value)
        if old.before:
            self._forget(f"{_key(line)}/{old.before}")
        return held

    def _forget(self, plan: str) -> None:
        if "_" not in plan:
            self._manager.delete_tree(PLANS, plan)
            return
        # Deleting a tree there reads _ as any character: another customer's rows could go too.
        place = 1
        while self._manager.delete(PLANS, f"{plan}/{place}"):
            place += 1

    def _row(self, segment: Segment) -> str:
        texts = render_set(segment.destinations, self.capabilities.number_format)
        return f"{segment.end}:{BETWEEN.join(texts)}"

    def _head(self, line: Line) -> Head:
        return Head.read(self._manager.get(FAMILY, _key(line)))

    def _before(self, line: Line) -> Head:
        """The row that a write replaces; another form than ours has no revision to respect."""
        try:
            return self._head(line)
        except ForeignForward:
            return Head(0, 0, 0)

    def _now(self, line: Line, head: Head) -> Applied:
        """Who rings now, found as the dialplan finds it: by halving."""
        if not head.segments:
            return Applied(head.destinations, head.revision)
        second = int(datetime.now(UTC).timestamp())
        low, high = 1, head.segments + 1
        found: frozenset[Destination] = frozenset()
        while low < high:
            middle = (low + high) // 2
            row = self._manager.get(PLANS, f"{_key(line)}/{head.revision}/{middle}")
            if row is None:
                raise PlanReplaced("the plan was replaced while it was read")
            end, _, texts = row.partition(":")
            try:
                if int(end) > second:
                    found, high = parse_set(texts.split(BETWEEN)), middle
                else:
                    low = middle + 1
            except (ValueError, InvalidDestination) as error:
                raise ForeignForward(f"the exchange holds {row[:40]!r}, not ours") from error
        return Applied(found, head.revision)


def _key(line: Line) -> str:
    check_line(line)
    return f"{line.domain.lower()}/{line.extension}"


def build_family(name: str, config: dict[str, Any]) -> FamilyTelephony:
    """An `asterisk` entry of the settings."""
    keys = FamilyConfig(**config)
    return FamilyTelephony(name, manager_of(keys), number_format=keys.number_format)
