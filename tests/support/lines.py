"""Linked extensions and their windows, put straight into the database: a world to switch in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy.orm import Session

from gcal_plugin.domain.destination import Destination
from gcal_plugin.ports import Line, Telephony
from gcal_plugin.services import switching
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.services.switching import BatchReport
from gcal_plugin.store.queries_switching import ensure_rows, mark_due
from gcal_plugin.store.tables import Calendar, Forwarding, Grant, Link, WindowRow

from .portal import SmallPortal
from .runtime import NotedWake, make_app, make_runtime

MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
JAN = "+31612345678"
PIET = "+31687654321"
KEES = "+31201234568"


@dataclass
class MovedClock:
    """A clock that a test moves; `at` is now."""

    at: datetime = MONDAY

    def __call__(self, _: Session | None = None) -> datetime:
        return self.at


@dataclass
class World:
    """A runtime with linked extensions; `clock.at` is the only time there is."""

    rt: Runtime
    app: Flask
    clock: MovedClock
    calendars: dict[UUID, UUID] = field(default_factory=dict)
    """Calendar of each link."""

    @property
    def wake(self) -> NotedWake:
        wake = self.rt.wake
        assert isinstance(wake, NotedWake)
        return wake

    def link(
        self,
        extension: str = "200",
        *,
        domain: str = "bakkerij.example",
        tenant_id: str = "bel",
        account_id: str = "jan",
        pbx: str = "main",
        **values: Any,
    ) -> UUID:
        """A linked extension with an empty calendar of its own."""
        now = self.clock.at
        with self.rt.store.begin() as session:
            grant = Grant(
                client_id="c",
                subject=f"{domain}-{extension}-{pbx}",
                email="a@b.example",
                created_at=now,
            )
            session.add(grant)
            session.flush()
            calendar = Calendar(
                grant_id=grant.id, google_id="primary", synced_at=now, next_sync_at=None
            )
            session.add(calendar)
            session.flush()
            link = Link(
                tenant_id=tenant_id,
                account_id=account_id,
                pbx=pbx,
                domain=domain,
                extension=extension,
                grant_id=grant.id,
                calendar_id=calendar.id,
                created_at=now,
                linked_at=now,
                **{"state": "linked", **values},
            )
            session.add(link)
            session.flush()
            ensure_rows(session, [link.id])
            self.calendars[link.id] = calendar.id
            return link.id

    def window(
        self,
        link_id: UUID,
        value: str,
        start: timedelta | datetime,
        end: timedelta | datetime,
        *,
        event_id: str | None = None,
        reason: str | None = None,
    ) -> str:
        """An event on the link's calendar (offsets count from Monday), and the line marked due."""
        begin = start if isinstance(start, datetime) else MONDAY + start
        until = end if isinstance(end, datetime) else MONDAY + end
        destination = Destination.parse(value)
        with self.rt.store.begin() as session:
            name = event_id or f"e{begin.timestamp():.0f}-{value}-{until.timestamp():.0f}"
            session.add(
                WindowRow(
                    calendar_id=self.calendars[link_id],
                    event_id=name,
                    start_at=begin,
                    end_at=until,
                    kind=destination.kind.value,
                    value=value,
                    reason=reason,
                    received_at=self.clock.at,
                )
            )
            mark_due(session, [link_id], self.clock.at)
        return name

    def drop(self, link_id: UUID, event_id: str) -> None:
        """The event is deleted in the calendar."""
        with self.rt.store.begin() as session:
            row = (
                session.query(WindowRow)
                .filter_by(calendar_id=self.calendars[link_id], event_id=event_id, replaced_at=None)
                .one()
            )
            row.replaced_at = self.clock.at
            mark_due(session, [link_id], self.clock.at)

    def change(self, link_id: UUID, cause: str = "change", **values: Any) -> None:
        """Change columns of the link and mark its line due."""
        with self.rt.store.begin() as session:
            link = session.get_one(Link, link_id)
            session.refresh(link)
            for name, value in values.items():
                setattr(link, name, value)
            mark_due(session, [link_id], self.clock.at, cause=cause)

    def decide(self, link_id: UUID, *, keep: bool) -> frozenset[Destination]:
        """Somebody decides about the forward that stands on the line now."""
        row = self.row(link_id)
        held = self.rt.telephony[row.pbx].read(Line(row.domain, row.extension))
        with self.rt.store.begin() as session:
            found = switching.decide_existing(session, link_id, held, self.clock.at, keep=keep)
            mark_due(session, [link_id], self.clock.at)
        return found

    def row(self, link_id: UUID) -> Forwarding:
        """The line's row as it is stored now."""
        with self.rt.store.begin() as session:
            row = session.get_one(Forwarding, link_id)
            session.refresh(row)
            return row

    def go(self, at: timedelta | datetime | None = None) -> list[BatchReport]:
        """Move to an instant (or stay) and do everything that is due by then, once."""
        if at is not None:
            self.clock.at = at if isinstance(at, datetime) else MONDAY + at
        return [
            switching.switch_batch(self.rt, batch.pbx, batch.link_ids, batch.due_at)
            for batch in switching.due_batches(self.rt, timedelta(0))
        ]

    def walk(self, until: timedelta, *, step: Callable[[], None] = lambda: None) -> None:
        """Go from due instant to due instant up to `until`, as a clock would."""
        end = MONDAY + until
        while True:
            with self.rt.store.begin() as session:
                due = (
                    session.query(Forwarding.due_at)
                    .filter(Forwarding.due_at.is_not(None), Forwarding.due_at <= end)
                    .order_by(Forwarding.due_at)
                    .first()
                )
            if due is None or due[0] is None:
                self.clock.at = end
                return
            self.go(max(due[0], self.clock.at))
            step()

    def held(self, extension: str = "200", domain: str = "bakkerij.example") -> set[str]:
        """Who rings at a line of the exchange "main" now."""
        applied = self.rt.telephony["main"].read(Line(domain, extension))
        return {one.value for one in applied.destinations}


@contextmanager
def make_world(
    url: str,
    telephony: dict[str, Telephony],
    *,
    portal: SmallPortal | None = None,
    clock: MovedClock | None = None,
    **settings: Any,
) -> Iterator[World]:
    """A world on a database that has the schema, within an application context."""
    moved = clock or MovedClock()
    app, db = make_app(url)
    with app.app_context():
        rt = make_runtime(db, telephony=telephony, portal=portal, clock=moved, **settings)
        app.extensions["gcal"] = rt
        yield World(rt, app, moved)
        db.session.remove()
        db.engine.dispose()


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def values(destinations: Sequence[Destination] | frozenset[Destination]) -> set[str]:
    return {one.value for one in destinations}
