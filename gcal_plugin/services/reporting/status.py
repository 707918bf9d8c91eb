"""The status page: one link (or none), read in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ...domain.forwarding import desired_at, next_change
from ...domain.link_state import LinkState
from ...domain.policy import LineContext, Policy
from ...domain.schedule import Window
from ...ports import Account, Tenant
from ...store import queries_reporting as queries
from ...store import scope
from ...store.tables import Calendar, Forwarding, Link
from ..access import as_customer
from ..guarding import rules_of
from ..runtime import Runtime
from ..switching.effect import Mode
from . import problems as trouble
from .events import calendar_settings_url, event_url, event_view, judged
from .facts import link_facts
from .history import merge
from .meanwhile import Meanwhile, meanwhile
from .models import EventView, PageState, ProblemCode, StatusView, WeekView
from .names import Names
from .requests import PAGE_STATES, open_request
from .week import week_of

EVENTS_SHOWN = 50
ACTIVITY_SHOWN = 12


def link_ids(rt: Runtime, account: Account) -> list[UUID]:
    """The live links that this account may see, in the order of their extensions."""
    with rt.store.begin() as session:
        found = scope.links(as_customer(account)).with_only_columns(Link.id)
        return list(session.scalars(found))


def status_of(rt: Runtime, account: Account, link_id: UUID | str | None = None) -> StatusView:
    """The status page of one link; without an id of the only (or first) one.

    Raises NotInReach for an id that is not the account's.
    """
    tenant = rt.portal.tenant(account.tenant_id)
    if tenant is None:
        return StatusView(PageState.UNAVAILABLE)
    names = Names.of(rt, account)
    viewer = as_customer(account)
    with rt.store.begin() as session:
        others = 0
        if link_id is None:
            rows = list(session.scalars(scope.links(viewer)))
            if not rows:
                return _without_link(rt, session, account)
            link, others = rows[0], len(rows) - 1
        else:
            link = scope.link(session, viewer, link_id)
        return _Page(rt, session, account, tenant, link, names).view(others)


def _without_link(rt: Runtime, session: Session, account: Account) -> StatusView:
    request = open_request(session, as_customer(account))
    if request is not None:
        state = next(
            (page for held, page in PAGE_STATES.items() if held.value == request.state),
            PageState.NOT_CONFIGURED,
        )
        return StatusView(state, request=request)
    listed = rt.portal.extensions(account)
    nothing = account.closed or (listed is not None and not listed)
    return StatusView(PageState.UNAVAILABLE if nothing else PageState.NOT_CONFIGURED)


@dataclass
class _Page:
    """One reading of one link; every query is asked once."""

    rt: Runtime
    session: Session
    account: Account
    tenant: Tenant
    link: Link
    names: Names

    def view(self, others: int) -> StatusView:
        now = self.rt.store.now(self.session)
        link, calendar = self.link, self.link.calendar
        if link.state == LinkState.ENDED:
            return StatusView(PageState.UNAVAILABLE, others=others)
        forwarding = self.session.get(Forwarding, link.id)
        line, policy = rules_of(self.rt, self.session, link)
        paused = is_paused(link, now)
        doing = meanwhile(self.rt, link, forwarding, policy, line, now)
        windows, told, ordinary = self._windows(calendar, policy, line, now)
        events = self._events(windows, calendar, now, doing)
        stale = self._stale(calendar, now, doing)
        found = trouble.find_problems(
            link,
            calendar,
            forwarding,
            events,
            now=now,
            names=self.names,
            doing=doing,
            killed=line.killed,
            tenant=self.tenant,
            stale=stale,
            settings_url=calendar_settings_url(self.rt),
        )
        codes = {problem.code for problem in found}
        state = self._state(forwarding, now, codes, paused=paused)
        history = merge(
            queries.activity(self.session, link.id, ACTIVITY_SHOWN),
            queries.ledger(self.session, link.id, ACTIVITY_SHOWN),
            self.names,
            self.account.id,
            ACTIVITY_SHOWN,
            address=partial(event_url, self.rt, calendar) if calendar is not None else None,
        )
        return StatusView(
            state=state,
            now=now,
            mode=doing.effect.mode,
            link=link_facts(self.rt, self.account, self.tenant, link, self.names, paused=paused),
            ringing=self.names.views(forwarding.observed or ()) if forwarding else (),
            until=self._until(windows, now, doing),
            standing=self.names.views(forwarding.foreign_set or ()) if forwarding else (),
            upcoming=next(
                (one for one in events if one.forwards and not one.held and one.start > now), None
            ),
            events=tuple(events),
            ordinary=ordinary,
            more_events=max(0, told - len(events)),
            problems=tuple(found),
            activity=history,
            week=week_of(events, now, ZoneInfo(self.tenant.time_zone)) if events else WeekView(),
            others=others,
            trial_until=forwarding.trial_until if forwarding else None,
        )

    def _windows(
        self, calendar: Calendar | None, policy: Policy, line: LineContext, now: datetime
    ) -> tuple[list[Window], int, int]:
        if calendar is None:
            return [], 0, 0
        until = now + timedelta(days=self.rt.settings.horizon_days)
        rows = queries.coming_windows(self.session, calendar.id, now, until, EVENTS_SHOWN)
        told, ordinary = queries.count_windows(self.session, calendar.id, now, until)
        return judged(rows, policy, line), told, ordinary

    def _events(
        self,
        windows: Sequence[Window],
        calendar: Calendar | None,
        now: datetime,
        doing: Meanwhile,
    ) -> list[EventView]:
        if calendar is None:
            return []
        return [
            event_view(
                window,
                self.names,
                now,
                url=event_url(self.rt, calendar, window.event_id),
                held_until=doing.held_until(window, now),
            )
            for window in windows
        ]

    def _stale(self, calendar: Calendar | None, now: datetime, doing: Meanwhile) -> datetime | None:
        if calendar is None or self.link.state != LinkState.LINKED:
            return None
        if doing.effect.reason == "stale":
            return calendar.synced_at
        return trouble.stale_since(
            self.link,
            calendar,
            now,
            push=calendar.push_state == "open",
            safety_seconds=self.rt.settings.safety_sync_seconds,
        )

    def _until(self, windows: Sequence[Window], now: datetime, doing: Meanwhile) -> datetime | None:
        """When who rings becomes another; a forward that stands still has no such instant."""
        if doing.effect.mode in (Mode.CLEAR, Mode.FALLBACK):
            return None
        windows = [one for one in windows if doing.held_until(one, now) is None]
        exchange = self.rt.telephony.get(self.link.pbx)
        most = exchange.capabilities.max_destinations if exchange else None
        desired = desired_at(windows, now, max_destinations=most, own_extension=self.link.extension)
        return desired.until or next_change(
            windows, now, max_destinations=most, own_extension=self.link.extension
        )

    def _state(
        self,
        forwarding: Forwarding | None,
        now: datetime,
        codes: set[ProblemCode],
        *,
        paused: bool,
    ) -> PageState:
        link = self.link
        fixed = {
            LinkState.RECONNECT: PageState.RECONNECT,
            LinkState.CALENDAR_GONE: PageState.GONE,
            LinkState.CHOOSING: PageState.NO_CALENDAR,
        }.get(LinkState(link.state))
        if fixed is not None:
            return fixed
        if link.state == LinkState.READY:
            waits = queries.consent_waits(self.session, link.id, self.account.id, now)
            return PageState.NO_CALENDAR if waits else PageState.READY
        if paused or ProblemCode.KILLED in codes:
            return PageState.PAUSED
        if codes & {ProblemCode.REFUSED, ProblemCode.UNREACHABLE}:
            return PageState.REFUSED
        if ProblemCode.STALE in codes:
            return PageState.STALE
        on = forwarding is not None and bool(forwarding.desired) and bool(forwarding.observed)
        return PageState.FORWARDING if on else PageState.IDLE


def is_paused(link: Link, now: datetime) -> bool:
    """Whether a pause holds at `now`."""
    return link.paused_at is not None and (link.paused_until is None or link.paused_until > now)
