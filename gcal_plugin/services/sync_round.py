"""One batch of calendars on its way through: claim, ask Google, store, tell whom it concerns."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from ..ports import AccessToken, CalendarError, GrantRevoked
from ..store import queries_calendar, queries_events
from ..store.bulk import Row
from ..store.queries_calendar import Claim, Followed
from . import breaking, grants, sync_store, sync_timing
from .runtime import Runtime
from .sync_failures import Failure, Loss, failure_row, let_go
from .sync_fetch import Fetched, Scope, first_page, other_pages, refuses_token
from .sync_report import SyncReport
from .sync_threads import side_by_side

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=120)
_ENOUGH_FAILURES = 3
"""After so many refreshes in a row that failed, the others of the round are not tried: when the
token endpoint is away, waiting for it once for each grant would hold up everything else."""
_OF_THE_GRANT = frozenset({"refresh_busy", "cannot_open", "suspended", "unknown_client"})
"""Failures that say nothing about the next grant's chances."""

_T = TypeVar("_T")


class Round:
    """One batch on its way through: `claim`, `ask`, `finish`.

    Between `ask` and `finish` the answers come in by themselves, so that the caller can claim or
    finish another batch meanwhile. Everything in a round belongs to it alone.
    """

    def __init__(self, rt: Runtime, *, urgent: bool, due_only: bool = False) -> None:
        self._rt = rt
        self._urgent = urgent
        self._due_only = due_only
        self._report = SyncReport()
        self._claims: list[Claim] = []
        self._followers: dict[UUID, Followed] = {}
        self._tokens: dict[UUID, AccessToken] = {}
        self._failures: list[Failure] = []
        self._revoked: list[Claim] = []
        self._unrefreshed: list[CalendarError] = []
        self._scopes: dict[UUID, Scope] = {}
        self._begun: Iterator[tuple[Claim, Fetched | CalendarError]] = iter(())

    @property
    def wants_tokens(self) -> bool:
        """Whether asking begins with a visit to the token endpoint, which may take long."""
        return any(claim.grant_id not in self._tokens for claim in self._claims)

    def ask(self) -> None:
        """Begin to ask Google for what was claimed."""
        for claim in list(self._claims):
            self._ensure_token(claim)
        waiting = [claim for claim in self._claims if claim.grant_id in self._tokens]
        self._rt.calendars.expect([self._access(claim) for claim in waiting])
        self._begun = self._start(self._claims, lambda claim: claim, self._first)

    def finish(self) -> SyncReport:
        """Wait for the answers, store them, and tell whom they concern."""
        if self._claims:
            self._tell(self._store(self._fetch()))
        return self._report

    # -- claim ---------------------------------------------------------------------------------

    def claim(self, calendar_ids: Sequence[UUID]) -> None:
        """Take those of the calendars that can be fetched now, with the tokens that are known."""
        rt = self._rt
        idle: list[Row] = []
        with rt.store.begin() as session:
            now = rt.store.now(session)
            claims = queries_calendar.claim(
                session, calendar_ids, now, _LEASE, due_only=self._due_only
            )
            if not self._due_only:
                refused = set(calendar_ids) - {claim.id for claim in claims}
                queries_calendar.postpone(session, refused, now)
                self._report.postponed |= refused
            if not claims:
                return
            self._followers = queries_calendar.followers(session, {one.id for one in claims})
            known = queries_calendar.grants(session, {one.grant_id for one in claims})
            for claim in claims:
                grant = known.get(claim.grant_id)
                if claim.id not in self._followers or grant is None or grant.state != "live":
                    idle.append(let_go(claim))
                    continue
                self._claims.append(claim)
                self._scopes[claim.id] = self._scope(claim, now)
                token = grants.cached(rt.store.keyring, grant, now)
                if token is not None:
                    self._tokens[claim.grant_id] = token
            queries_calendar.record(session, idle)

    def _scope(self, claim: Claim, now: datetime) -> Scope:
        listing = sync_timing.window(self._rt.settings, now)
        return Scope(sync_timing.keep_from(now), claim.listed_until or listing[1], listing)

    def _ensure_token(self, claim: Claim, refused: AccessToken | None = None) -> bool:
        """Have a token for the claim's grant; a claim that cannot get one drops out."""
        token = self._tokens.get(claim.grant_id)
        if token is not None and (refused is None or token.value != refused.value):
            return True
        if len(self._unrefreshed) >= _ENOUGH_FAILURES:
            self._fail(Failure(claim, self._unrefreshed[-1]))
            return False
        try:
            self._tokens[claim.grant_id] = grants.access_token(
                self._rt, claim.grant_id, refused=refused
            )
        except CalendarError as error:
            if not error.permanent and error.reason not in _OF_THE_GRANT:
                self._unrefreshed.append(error)
            self._fail(Failure(claim, error))
            return False
        self._unrefreshed.clear()
        return True

    def _access(self, claim: Claim) -> AccessToken:
        return replace(
            self._tokens[claim.grant_id],
            tenant_id=self._followers[claim.id].tenant_id,
            urgent=self._urgent,
        )

    # -- ask -----------------------------------------------------------------------------------

    def _fetch(self) -> list[Fetched]:
        begun = self._collect(self._begun, lambda claim: claim, self._first)
        long = [one for one in begun if one.next_page is not None]
        done = [one for one in begun if one.next_page is None]
        if long:
            known = self._known([one.claim.id for one in long if not one.full])
            done += self._ask(
                long,
                lambda one: one.claim,
                lambda one: other_pages(
                    self._rt.calendars,
                    self._access(one.claim),
                    one,
                    self._scopes[one.claim.id],
                    known.get(one.claim.id),
                ),
            )
        complete: list[Fetched] = []
        for one in done:
            self._report.requests += one.requests
            if one.complete:
                complete.append(one)
            else:
                error = CalendarError("the last page had no sync token", reason="incomplete")
                self._fail(Failure(one.claim, error))
        return complete

    def _first(self, claim: Claim) -> Fetched:
        scope = self._scopes[claim.id]
        relist = claim.relist_at is None or claim.relist_at <= claim.sync_started_at
        return first_page(self._rt.calendars, self._access(claim), claim, scope, full=relist)

    def _known(self, calendar_ids: Collection[UUID]) -> dict[UUID, frozenset[str]]:
        if not calendar_ids:
            return {}
        with self._rt.store.begin() as session:
            return queries_events.known_ids(session, calendar_ids)

    def _ask(
        self,
        items: Sequence[_T],
        claim_of: Callable[[_T], Claim],
        ask: Callable[[_T], Fetched],
    ) -> list[Fetched]:
        """Ask for all of them, a few at a time."""
        return self._collect(self._start(items, claim_of, ask), claim_of, ask)

    def _start(
        self,
        items: Sequence[_T],
        claim_of: Callable[[_T], Claim],
        ask: Callable[[_T], Fetched],
    ) -> Iterator[tuple[_T, Fetched | CalendarError]]:
        def attempt(item: _T) -> Fetched | CalendarError:
            try:
                return ask(item)
            except CalendarError as error:
                return error

        failed = {failure.claim.id for failure in self._failures}
        failed |= {claim.id for claim in self._revoked}
        wanted = [item for item in items if claim_of(item).id not in failed]
        return side_by_side(self._rt, wanted, attempt)

    def _collect(
        self,
        answers: Iterator[tuple[_T, Fetched | CalendarError]],
        claim_of: Callable[[_T], Claim],
        ask: Callable[[_T], Fetched],
    ) -> list[Fetched]:
        """What was answered; a refused token is replaced once."""
        found: list[Fetched] = []
        again: list[_T] = []
        for item, answer in answers:
            if isinstance(answer, Fetched):
                found.append(answer)
            elif answer.status == 401:
                again.append(item)
            else:
                self._fail_of(claim_of(item), answer)
        for item in again:
            claim = claim_of(item)
            if not self._ensure_token(claim, refused=self._tokens[claim.grant_id]):
                continue
            try:
                found.append(ask(item))
            except CalendarError as error:
                self._fail_of(claim, error)
        return found

    def _fail_of(self, claim: Claim, error: CalendarError) -> None:
        forget = claim.sync_token is not None and refuses_token(error)
        self._fail(Failure(claim, error, forget_token=forget))

    def _fail(self, failure: Failure) -> None:
        self._report.failed[failure.claim.id] = failure.error.reason
        if isinstance(failure.error, GrantRevoked):
            self._revoked.append(failure.claim)
        else:
            self._failures.append(failure)

    # -- store ---------------------------------------------------------------------------------

    def _store(self, fetched: Sequence[Fetched]) -> sync_store.Outcome:
        rt = self._rt
        with rt.store.begin() as session:
            now = rt.store.now(session)
            outcome = sync_store.store(session, rt.settings, fetched, self._followers, now)
            queries_calendar.record(
                session, [failure_row(failure, now) for failure in self._failures]
            )
            queries_calendar.release(session, self._revoked)
        self._report.synced |= outcome.stored
        self._report.changed |= outcome.changed
        self._report.postponed |= outcome.announced
        return outcome

    # -- tell ----------------------------------------------------------------------------------

    def _tell(self, outcome: sync_store.Outcome) -> None:
        """After the commit: lines to switch, calendars lost and found, what came in meanwhile."""
        rt = self._rt
        lines: dict[str, list[UUID]] = {}
        for calendar_id in outcome.changed:
            followed = self._followers[calendar_id]
            for pbx, link_id in zip(followed.pbxes, followed.link_ids, strict=True):
                lines.setdefault(pbx, []).append(link_id)
        for pbx, link_ids in lines.items():
            rt.wake.switch(pbx, link_ids)
        if outcome.announced:
            rt.wake.sync(sorted(outcome.announced))
        self._tell_links(outcome)

    def _tell_links(self, outcome: sync_store.Outcome) -> None:
        for calendar_id in outcome.unreadable:
            breaking.calendar_lost(self._rt, calendar_id, "unreadable")
        for failure in self._failures:
            if failure.loss is Loss.ACCESS:
                breaking.grant_lost(self._rt, failure.claim.grant_id, failure.loss.value)
            elif failure.loss is not None:
                breaking.calendar_lost(self._rt, failure.claim.id, failure.loss.value)
        for calendar_id in outcome.stored - outcome.unreadable:
            if self._followers[calendar_id].broken:
                breaking.calendar_back(self._rt, calendar_id)
