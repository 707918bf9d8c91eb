"""Everything that a batch of lines needs to be worked out, read in a handful of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
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
from .effect import Effect, forwarding_effect


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """A link, what its state makes of its calendar at one instant, and the rules it is under."""

    link: Link
    effect: Effect
    policy: Policy
    context: LineContext


@dataclass(frozen=True, slots=True)
class Board:
    """The facts of a batch at one instant."""

    at: datetime
    facts: Mapping[UUID, LinkFacts]
    rows: Mapping[UUID, Sequence[WindowRow]]
    """Windows by calendar: the open ones, and those before `until` where a plan is made."""
    edges: Mapping[UUID, datetime]

    def windows(self, facts: LinkFacts) -> list[Window]:
        """The link's windows, judged by the rules of now."""
        calendar_id = facts.link.calendar_id
        if calendar_id is None:
            return []
        return [
            judge(as_window(row), facts.policy, facts.context)
            for row in self.rows.get(calendar_id, ())
        ]

    def next_edge(self, facts: LinkFacts) -> datetime | None:
        """The first instant after `at` at which a window of the link starts or ends."""
        calendar_id = facts.link.calendar_id
        return self.edges.get(calendar_id) if calendar_id is not None else None


def as_window(row: WindowRow) -> Window:
    """A stored window as the pure rules know it."""
    reason = Reason(row.reason) if row.reason else None
    return Window(
        event_id=row.event_id,
        start=row.start_at,
        end=row.end_at,
        kind=Kind(row.kind),
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
    policies = guarding.policies(rt, session, links)
    contexts = guarding.contexts(rt, session, links)
    facts = {}
    for link, synced_at, gone_at, grant_state in found:
        state = states.get(link.tenant_id)
        effect = forwarding_effect(
            link,
            at,
            killed=state is not None and state.killed_at is not None,
            grant_live=grant_state == "live",
            synced_at=synced_at,
            calendar_gone=gone_at is not None,
            stale_after=timedelta(seconds=rt.settings.stale_after_seconds),
        )
        facts[link.id] = LinkFacts(link, effect, policies[link.id], contexts[link.id])
    calendars = {link.calendar_id for link in links if link.calendar_id is not None}
    return Board(
        at=at,
        facts=facts,
        rows=queries_windows.open_windows(session, calendars, at, until),
        edges=queries_windows.next_edges(session, calendars, at),
    )
