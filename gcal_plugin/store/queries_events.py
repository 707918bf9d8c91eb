"""Storing what calendars say: current windows found, replaced and added, many calendars at once.

A window that changes is never overwritten: its row gets `replaced_at` and a new one takes its
place, so that "why not, last Saturday?" can still be answered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..domain.reasons import Reason
from ..domain.schedule import Window
from ..domain.values import Kind
from .bulk import among, arrays, insert_rows
from .tables import WindowRow

_TABLE = cast(sa.Table, WindowRow.__table__)
_CURRENT = _TABLE.c.replaced_at.is_(None)

_FACTS = (
    "series_id",
    "original_start",
    "start_at",
    "end_at",
    "all_day",
    "start_date",
    "end_date",
    "kind",
    "value",
    "reason",
    "suggestion",
    "accepted_invitation",
)
"""What a window says; two rows that agree on these say the same."""

_COLUMNS = tuple(_TABLE.c[name] for name in ("id", "calendar_id", "event_id", *_FACTS))

Key = tuple[UUID, str]
"""A calendar and the event's id in it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A current row: its id, and what it says."""

    id: int
    calendar_id: UUID
    event_id: str
    facts: tuple[Any, ...]

    @property
    def series_id(self) -> str | None:
        return cast("str | None", self.facts[0])

    @property
    def original_start(self) -> datetime | None:
        return cast("datetime | None", self.facts[1])

    @property
    def matters(self) -> bool:
        """Whether a forward may depend on it."""
        return self.facts[8] is not None


def window_of(row: Stored) -> Window:
    """The window that a row holds."""
    facts = dict(zip(_FACTS, row.facts, strict=True))
    reason = facts["reason"]
    return Window(
        event_id=row.event_id,
        start=facts["start_at"],
        end=facts["end_at"],
        kind=Kind(facts["kind"]),
        value=facts["value"],
        allowed=reason is None,
        reason=None if reason is None else Reason(reason),
        suggestion=facts["suggestion"],
        series_id=facts["series_id"],
        original_start=facts["original_start"],
        all_day=facts["all_day"],
        accepted_invitation=facts["accepted_invitation"],
        start_date=_day(facts["start_date"]),
        end_date=_day(facts["end_date"]),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def facts_of(window: Window) -> tuple[Any, ...]:
    """What a window says, as it is stored."""
    return (
        window.series_id,
        window.original_start,
        window.start,
        window.end,
        window.all_day,
        _text(window.start_date),
        _text(window.end_date),
        window.kind.value,
        window.value,
        None if window.reason is None else window.reason.value,
        None if window.suggestion is None else window.suggestion[:64],
        window.accepted_invitation,
    )


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _stored(rows: Iterable[Any]) -> list[Stored]:
    return [Stored(row[0], row[1], row[2], tuple(row[3:])) for row in rows]


@lru_cache(maxsize=1)
def _by_key() -> sa.TextualSelect:
    listed = ", ".join(f"w.{column.name}" for column in _COLUMNS)
    wanted = arrays([_TABLE.c.calendar_id, _TABLE.c.event_id])
    return sa.text(
        f"SELECT {listed} FROM {wanted} AS k(calendar_id, event_id) "  # noqa: S608
        "JOIN gcal_window w ON w.calendar_id = k.calendar_id AND w.event_id = k.event_id "
        "AND w.replaced_at IS NULL"
    ).columns(*_COLUMNS)


def by_key(session: Session, keys: Collection[Key]) -> list[Stored]:
    """The current rows of these events."""
    if not keys:
        return []
    if session.get_bind().dialect.name == "postgresql":
        calendars, events = zip(*keys, strict=True)
        return _stored(
            session.execute(_by_key(), {"calendar_id": list(calendars), "event_id": list(events)})
        )
    found: list[Stored] = []
    for calendar_id in {key[0] for key in keys}:
        events = tuple(key[1] for key in keys if key[0] == calendar_id)
        for start in range(0, len(events), 500):
            found += _stored(
                session.execute(
                    sa.select(*_COLUMNS).where(
                        _TABLE.c.calendar_id == calendar_id,
                        _TABLE.c.event_id.in_(events[start : start + 500]),
                        _CURRENT,
                    )
                )
            )
    return found


def of_series(session: Session, keys: Collection[Key]) -> list[Stored]:
    """The current rows of these series (calendar, series id)."""
    if not keys:
        return []
    wanted = frozenset(keys)
    rows = session.execute(
        sa.select(*_COLUMNS).where(
            among(session, _TABLE.c.calendar_id, {key[0] for key in keys}),
            among(session, _TABLE.c.series_id, {key[1] for key in keys}),
            _CURRENT,
        )
    )
    return [row for row in _stored(rows) if (row.calendar_id, row.series_id) in wanted]


def since(session: Session, calendar_ids: Collection[UUID], moment: datetime) -> list[Stored]:
    """The current rows that end after `moment`: what a full listing replaces."""
    if not calendar_ids:
        return []
    rows = session.execute(
        sa.select(*_COLUMNS).where(
            among(session, _TABLE.c.calendar_id, calendar_ids), _TABLE.c.end_at > moment, _CURRENT
        )
    )
    return _stored(rows)


def known_ids(session: Session, calendar_ids: Collection[UUID]) -> dict[UUID, frozenset[str]]:
    """The events and series that each calendar has rows of."""
    found: dict[UUID, set[str]] = {calendar_id: set() for calendar_id in calendar_ids}
    rows = session.execute(
        sa.select(_TABLE.c.calendar_id, _TABLE.c.event_id, _TABLE.c.series_id).where(
            among(session, _TABLE.c.calendar_id, calendar_ids), _CURRENT
        )
    )
    for calendar_id, event_id, series_id in rows:
        found[calendar_id].add(event_id)
        if series_id is not None:
            found[calendar_id].add(series_id)
    return {calendar_id: frozenset(ids) for calendar_id, ids in found.items()}


def replace(session: Session, row_ids: Sequence[int], at: datetime) -> None:
    """These rows no longer hold; they stay as history."""
    for start in range(0, len(row_ids), 500):
        session.execute(
            sa.update(_TABLE)
            .where(among(session, _TABLE.c.id, row_ids[start : start + 500]))
            .values(replaced_at=at)
        )


def add(session: Session, windows: Sequence[tuple[UUID, Window]], at: datetime) -> None:
    """Add what was received at `at`; the rows that they replace must be out of the way."""
    insert_rows(
        session,
        _TABLE,
        [
            {
                "calendar_id": calendar_id,
                "event_id": window.event_id,
                **dict(zip(_FACTS, facts_of(window), strict=True)),
                "received_at": at,
                "replaced_at": None,
            }
            for calendar_id, window in windows
        ],
    )
