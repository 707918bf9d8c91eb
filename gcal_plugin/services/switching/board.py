"""Everything that a batch of lines needs to be worked out, read in a handful of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from ...domain.destination import Kind
from ...domain.policy import LineContext, Policy
from ...domain.reasons import Reason
from ...domain.schedule import Window, judge
from ...store import queries_windows
from ...store.queries_guards import tenant_states
from ...store.queries_switching import among, chunks
from ...store.tables import Calendar, Grant, Link, WindowRow
from .. import guarding
from ..runtime import Runtime
from .effect import Effect, Mode, forwarding_effect

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """A link, what its state makes of its calendar at one instant, and the rules it is under."""

    link: Link
    effect: Effect
    policy: Policy
    context: LineContext
    fault: Exception | None = None
    """Why the effect or the rules could not be told; those here are the careful ones then."""


@dataclass(frozen=True, slots=True)
class Board:
    """The facts of a batch at one instant."""

    at: datetime
    facts: Mapping[UUID, LinkFacts]
    rows: Mapping[UUID, Sequence[WindowRow]]
    """Windows by calendar: the open ones, and those before `until` where a plan is made."""
    edges: Mapping[UUID, datetime]

    def rows_of(self, facts: LinkFacts) -> Sequence[WindowRow]:
        """The link's windows as they are stored."""
        calendar_id = facts.link.calendar_id
        return self.rows.get(calendar_id, ()) if calendar_id is not None else ()

    def windows(self, facts: LinkFacts) -> list[Window]:
        """The link's windows, judged by the rules of now.

        Each by itself: one that the rules break on is closed, and says so, and the others count.
        """
        return [judged(row, facts.policy, facts.context) for row in self.rows_of(facts)]

    def next_edge(self, facts: LinkFacts) -> datetime | None:
        """The first instant after `at` at which a window of the link starts or ends."""
        calendar_id = facts.link.calendar_id
        return self.edges.get(calendar_id) if calendar_id is not None else None


def judged(row: WindowRow, policy: Policy, context: LineContext) -> Window:
    """A stored window with the verdict of the rules of now; closed where they break on it."""
    window = as_window(row)
    try:
        return judge(window, policy, context)
    except Exception as fault:  # noqa: BLE001 (one window must not keep the others from counting)
        log.error("window_unworkable", calendar_id=str(row.calendar_id), fault=repr(fault))
        return replace(window, allowed=False, reason=Reason.NOT_UNDERSTOOD)


def as_window(row: WindowRow) -> Window:
    """A stored window as the pure rules know it.

    One with a code that this version does not know, as after a roll-back, is closed: whatever it
    means, nobody here can tell that it may forward.
    """
    try:
        kind = Kind(row.kind)
        reason = Reason(row.reason) if row.reason else None
    except ValueError:
        kind = Kind(row.kind) if row.kind in set(Kind) else Kind.NONE
        reason = Reason.NOT_UNDERSTOOD
    return Window(
        event_id=row.event_id,
        start=row.start_at,
        end=row.end_at,
        kind=kind,
        value=row.value,
        allowed=reason is None,
        reason=reason,
        suggestion=row.suggestion,
        series_id=row.series_id,
        original_start=row.original_start,
        all_day=row.all_day,
        accepted_invitation=row.accepted_invitation,
    )


def load(
    rt: Runtime,
    session: Session,
    link_ids: Sequence[UUID],
    at: datetime,
    *,
    until: datetime | None = None,
) -> Board:
    """Read what counts for these links at `at`; the number of queries does not grow with them."""
    found: list[tuple[Link, datetime | None, datetime | None, str | None]] = []
    for part in chunks(link_ids):
        query = (
            sa.select(Link, Calendar.synced_at, Calendar.gone_at, Grant.state)
            .outerjoin(Calendar, Link.calendar_id == Calendar.id)
            .outerjoin(Grant, Link.grant_id == Grant.id)
            .where(among(session, Link.id, part))
        )
        found += [(row[0], row[1], row[2], row[3]) for row in session.execute(query)]
    links = [row[0] for row in found]
    states = tenant_states(session, {link.tenant_id for link in links})
    rules = guarding.rules_of_many(rt, session, links, states)
    facts = {}
    for link, synced_at, gone_at, grant_state in found:
        state = states.get(link.tenant_id)
        context, policy, unknown = rules[link.id]
        fault: Exception | None = unknown
        try:
            effect = forwarding_effect(
                link,
                at,
                killed=state is not None and state.killed_at is not None,
                grant_live=grant_state == "live",
                synced_at=synced_at,
                calendar_gone=gone_at is not None,
                stale_after=timedelta(seconds=rt.settings.stale_after_seconds),
            )
        except ValueError as error:  # a state of another version
            effect, fault = Effect(Mode.FINISH, "unreadable"), error
        facts[link.id] = LinkFacts(link, effect, policy, context, fault)
    calendars = {link.calendar_id for link in links if link.calendar_id is not None}
    return Board(
        at=at,
        facts=facts,
        rows=queries_windows.open_windows(session, calendars, at, until),
        edges=queries_windows.next_edges(session, calendars, at),
    )
