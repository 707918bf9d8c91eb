"""One batch of calendars on its way through: claim, ask Google, store, tell whom it concerns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from ..ports import AccessToken, CalendarError, GrantRevoked
from ..store import queries_calendar, queries_events
from ..store.bulk import Row
from ..store.queries_calendar import Claim, Followed
from . import grants, sync_store, sync_timing
from .grant_tokens import cached
from .refreshing import Hopes
from .runtime import Runtime
from .sync_failures import Failure, failure_row, let_go
from .sync_fetch import Fetched, Scope, first_page, other_pages, refuses_token
from .sync_report import SyncReport
from .sync_telling import tell
from .sync_threads import side_by_side

_LEASE = timedelta(seconds=120)

Answers = Iterator[tuple[Claim, Fetched | CalendarError]]


class Round:
    """One batch on its way through: `claim`, `ask`, `finish`.

    Between `ask` and `finish` the answers come in by themselves, so that the caller can claim or
    finish another batch meanwhile. Everything in a round belongs to it alone.
    """

    def __init__(self, rt: Runtime, hopes: Hopes, *, urgent: bool, due_only: bool = False) -> None:
        self._rt = rt
        self._hopes = hopes
        self._urgent = urgent
        self._due_only = due_only
        self._report = SyncReport()
        self._claims: list[Claim] = []
        self._followers: dict[UUID, Followed] = {}
        self._tokens: dict[UUID, AccessToken] = {}
        self._refused: list[Claim] = []
        """Those whose token Google refused, until they are asked for once more with another."""
        self._failures: list[Failure] = []
        self._revoked: list[Claim] = []
        self._scopes: dict[UUID, Scope] = {}
        self._begun: Answers = iter(())

    @property
    def wants_tokens(self) -> bool:
        """Whether asking begins with a visit to the token endpoint, which may take long."""
        return any(claim.grant_id not in self._tokens for claim in self._claims)

    def ask(self) -> None:
        """Begin to ask Google for what was claimed."""
        self._have_tokens(self._claims, {})
        self._begun = self._begin(self._claims)

    def finish(self) -> SyncReport:
        """Wait for the answers, store them, and tell whom they concern."""
        self._settle(self._read(self._begun, self._refused.append))
        if self._refused:
            # Last, and with the others' changes stored: new tokens may take long.
            again, self._refused = self._refused, []
            self._have_tokens(again, {one.grant_id: self._tokens[one.grant_id] for one in again})
            self._settle(self._read(self._begin(again), None))
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
                token = cached(rt.store.keyring, grant, now)
                if token is not None:
                    self._tokens[claim.grant_id] = token
            queries_calendar.record(session, idle)

    def _scope(self, claim: Claim, now: datetime) -> Scope:
        listing = sync_timing.window(self._rt.settings, now)
        return Scope(sync_timing.keep_from(now), claim.listed_until or listing[1], listing)

    # -- ask -----------------------------------------------------------------------------------

    def _have_tokens(self, claims: Sequence[Claim], refused: Mapping[UUID, AccessToken]) -> None:
        """Have a token for each of the claims' grants; a claim that cannot get one drops out."""
        for grant_id in refused:
            del self._tokens[grant_id]
        wanted = {
            claim.grant_id: refused.get(claim.grant_id)
            for claim in claims
            if claim.grant_id not in self._tokens
        }
        if not wanted:
            return
        found = grants.access_tokens(self._rt, wanted, self._hopes)
        for claim in claims:
            answer = found.get(claim.grant_id)
            if isinstance(answer, AccessToken):
                self._tokens[claim.grant_id] = answer
            elif answer is not None:
                self._fail(Failure(claim, answer))

    def _access(self, claim: Claim) -> AccessToken:
        return replace(
            self._tokens[claim.grant_id],
            tenant_id=self._followers[claim.id].tenant_id,
            urgent=self._urgent,
        )

    def _begin(self, claims: Sequence[Claim]) -> Answers:
        """Begin with those that have a token."""
        ready = [claim for claim in claims if claim.grant_id in self._tokens]
        self._rt.calendars.expect([self._access(claim) for claim in ready])
        return self._start(ready, self._first)

    def _first(self, claim: Claim) -> Fetched:
        scope = self._scopes[claim.id]
        relist = claim.relist_at is None or claim.relist_at <= claim.sync_started_at
        return first_page(self._rt.calendars, self._access(claim), claim, scope, full=relist)

    def _read(self, begun: Answers, refused: Callable[[Claim], None] | None) -> list[Fetched]:
        """Everything that was answered to the end; `refused` takes those that want a new token."""
        pages = self._collect(begun, refused)
        long = {one.claim.id: one for one in pages if one.next_page is not None}
        done = [one for one in pages if one.next_page is None]
        if long:
            known = self._known([one.claim.id for one in long.values() if not one.full])

            def others(claim: Claim) -> Fetched:
                return other_pages(
                    self._rt.calendars,
                    self._access(claim),
                    long[claim.id],
                    self._scopes[claim.id],
                    known.get(claim.id),
                )

            rest = self._start([one.claim for one in long.values()], others)
            done += self._collect(rest, refused)
        complete: list[Fetched] = []
        for one in done:
            self._report.requests += one.requests
            if one.complete:
                complete.append(one)
            else:
                error = CalendarError("the last page had no sync token", reason="incomplete")
                self._fail(Failure(one.claim, error))
        return complete

    def _known(self, calendar_ids: Collection[UUID]) -> dict[UUID, frozenset[str]]:
        if not calendar_ids:
            return {}
        with self._rt.store.begin() as session:
            return queries_events.known_ids(session, calendar_ids)

    def _start(self, claims: Sequence[Claim], ask: Callable[[Claim], Fetched]) -> Answers:
        """Begin to ask for all of them, a few at a time."""

        def attempt(claim: Claim) -> Fetched | CalendarError:
            try:
                return ask(claim)
            except CalendarError as error:
                return error

        return side_by_side(self._rt, claims, attempt)

    def _collect(self, answers: Answers, refused: Callable[[Claim], None] | None) -> list[Fetched]:
        found: list[Fetched] = []
        for claim, answer in answers:
            if isinstance(answer, Fetched):
                found.append(answer)
            elif answer.status == 401 and refused is not None:
                refused(claim)
            else:
                forget = claim.sync_token is not None and refuses_token(answer)
                self._fail(Failure(claim, answer, forget_token=forget))
        return found

    def _fail(self, failure: Failure) -> None:
        self._report.failed[failure.claim.id] = failure.error.reason
        if isinstance(failure.error, GrantRevoked):
            self._revoked.append(failure.claim)
        else:
            self._failures.append(failure)

    # -- store ---------------------------------------------------------------------------------

    def _settle(self, fetched: Sequence[Fetched]) -> None:
        """Store what was fetched and what failed, and tell."""
        if not (fetched or self._failures or self._revoked):
            return
        failures, self._failures = self._failures, []
        revoked, self._revoked = self._revoked, []
        tell(self._rt, self._followers, self._store(fetched, failures, revoked), failures)

    def _store(
        self, fetched: Sequence[Fetched], failures: Sequence[Failure], revoked: Sequence[Claim]
    ) -> sync_store.Outcome:
        rt = self._rt
        with rt.store.begin() as session:
            now = rt.store.now(session)
            outcome = sync_store.store(session, rt.settings, fetched, self._followers, now)
            queries_calendar.record(session, [failure_row(one, now) for one in failures])
            queries_calendar.release(session, revoked)
        self._report.synced |= outcome.stored
        self._report.changed |= outcome.changed
        self._report.postponed |= outcome.announced
        return outcome
