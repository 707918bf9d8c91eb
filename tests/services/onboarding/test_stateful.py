"""The request's life under any order of clicks, by people who look at old pages."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, ClassVar
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from gcal_plugin.domain.request_state import OPEN, STEPS, RequestState
from gcal_plugin.services.linking.errors import ExtensionTaken
from gcal_plugin.services.onboarding import asking, building, desk, ending, quoting
from gcal_plugin.services.onboarding.asking import Asked
from gcal_plugin.services.onboarding.errors import OnboardingError
from gcal_plugin.services.onboarding.following import follow_link
from gcal_plugin.services.onboarding.quoting import Offer
from gcal_plugin.store.tables import Link, MailOut, Request, RequestStep
from tests.servers.databases import Databases
from tests.support.portal import ANNA, DESK, JAN
from tests.support.runtime import make_schema

from .conftest import World, make_world

PEOPLE = {"jan": JAN, "anna": ANNA, "desk": DESK}
CLICKS = [
    "quote", "agree", "decline", "cancel_jan", "cancel_desk", "start", "finish", "end_now",
    "end_later", "keep", "take_over", "note", "link", "unlink",
]  # fmt: skip
LEADS = {(before, after) for (before, _), (after, _) in STEPS.items()}
"""From which state to which a single step leads."""


class RequestLife(RuleBasedStateMachine):
    """Two extensions, three people, a clock; every refusal must leave everything as it was."""

    databases: ClassVar[Databases]
    requests: Bundle[Any] = Bundle("requests")
    pages: Bundle[Any] = Bundle("pages")

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        url = self._stack.enter_context(
            self.databases.fresh("sqlite", key="schema", prepare=make_schema)
        )
        self.world: World = self._stack.enter_context(make_world(url))
        self.steps_seen: list[tuple[int, str, str]] = []

    def teardown(self) -> None:
        self._stack.close()

    @initialize()
    def begin(self) -> None:
        self.sent = 0

    @rule(target=requests, extension=st.sampled_from(["200", "201"]))
    def ask(self, extension: str) -> UUID:
        submitted = asking.submit(self.world.rt, JAN, Asked([extension]))
        assert len(submitted.made) + len(submitted.found) == 1
        return submitted.first

    @rule(target=pages, request=requests)
    def open_page(self, request: UUID) -> tuple[UUID, int, int]:
        seen = desk.request_view(self.world.rt, DESK, request, desk=True)
        return request, seen.version, seen.quote

    @rule(page=consumes(pages), click=st.sampled_from(CLICKS))
    def click_on_a_page_that_may_be_old(self, page: tuple[UUID, int, int], click: str) -> None:
        request, version, quote = page
        self._click(request, version, quote, click)

    @rule(request=requests, click=st.sampled_from(CLICKS))
    def click_on_a_fresh_page(self, request: UUID, click: str) -> None:
        seen = desk.request_view(self.world.rt, DESK, request, desk=True)
        self._click(request, seen.version, seen.quote, click)

    @rule(days=st.integers(1, 25))
    def time_passes(self, days: int) -> None:
        self.world.pass_time(days=days)
        quoting.remind(self.world.rt)
        quoting.expire_quotes(self.world.rt)
        ending.end_due(self.world.rt)

    def _click(self, request: UUID, version: int, quote: int, click: str) -> None:
        before = self._picture()
        try:
            self._do(request, version, quote, click)
        except (OnboardingError, ExtensionTaken):
            assert self._picture() == before, f"{click} was refused and changed something"

    def _do(self, request: UUID, version: int, quote: int, click: str) -> None:
        rt = self.world.rt
        later = (self.world.instant.date().toordinal() + 20,)
        day = type(self.world.instant.date()).fromordinal(*later).isoformat()
        if click == "quote":
            quoting.make_quote(rt, DESK, request, version, Offer("10", "12,50", day))
        elif click == "agree":
            quoting.agree(rt, JAN, request, version, quote=quote)
        elif click == "decline":
            quoting.decline(rt, ANNA, request, version, quote=quote, why="nee")
        elif click == "cancel_jan":
            ending.cancel(rt, JAN, request, version, as_desk=False)
        elif click == "cancel_desk":
            ending.cancel(rt, DESK, request, version, why="x", as_desk=True)
        elif click == "start":
            building.start(rt, DESK, request, version)
        elif click == "finish":
            building.finish(rt, DESK, request, version)
        elif click == "end_now":
            ending.end_contract(rt, DESK, request, version)
        elif click == "end_later":
            ending.end_contract(rt, DESK, request, version, ends_on=day)
        elif click == "keep":
            ending.keep_contract(rt, DESK, request, version)
        elif click == "take_over":
            desk.take_over(rt, DESK, request, version)
        elif click == "note":
            desk.write_note(rt, DESK, request, version, "Dag")
        else:
            self._follow(request, linked=click == "link")

    def _follow(self, request: UUID, *, linked: bool) -> None:
        with self.world.rt.store.begin() as session:
            row = session.get(Request, request)
            link = session.get(Link, row.link_id) if row is not None and row.link_id else None
            if link is not None and link.ended_at is None:
                follow_link(session, link, linked=linked, who="system", now=self.world.instant)

    def _picture(self) -> list[Any]:
        rows = [(r.id, r.state, r.version, r.quotes, r.ends_at) for r in self.world.rows(Request)]
        steps = [s.id for s in self.world.rows(RequestStep)]
        mails = [m.id for m in self.world.rows(MailOut)]
        links = [(x.id, x.ended_at) for x in self.world.rows(Link)]
        return [rows, steps, mails, links]

    # -- what always holds ----------------------------------------------------------------------

    @invariant()
    def history_only_grows_and_tells_legal_steps(self) -> None:
        steps = [(s.id, str(s.request_id), s.state) for s in self.world.rows(RequestStep)]
        assert steps[: len(self.steps_seen)] == self.steps_seen
        self.steps_seen = steps
        last: dict[str, str] = {}
        for _, request, state in steps:
            before = last.get(request)
            if before is None:
                assert state == RequestState.REQUESTED
            elif before != state:
                assert (RequestState(before), RequestState(state)) in LEADS, (
                    f"no step leads from {before} to {state}"
                )
            last[request] = state
        for row in self.world.rows(Request):
            assert last[str(row.id)] == row.state

    @invariant()
    def one_open_request_for_each_extension(self) -> None:
        open_lines = [r.extension for r in self.world.rows(Request) if r.state in OPEN]
        assert len(open_lines) == len(set(open_lines))
        for row in self.world.rows(Request):
            assert (row.closed_at is None) == (row.state in OPEN)

    @invariant()
    def only_what_is_ready_has_a_link_and_what_ended_has_none(self) -> None:
        live = {x.id for x in self.world.rows(Link) if x.ended_at is None}
        wanted = {
            r.link_id
            for r in self.world.rows(Request)
            if r.state in {RequestState.READY, RequestState.LINKED}
        }
        assert live == wanted

    @invariant()
    def nobody_agreed_without_a_price_and_terms(self) -> None:
        for row in self.world.rows(Request):
            if row.state == RequestState.AGREED:
                assert row.monthly_price is not None
                assert row.terms_version == "1"
                assert row.agreed_at <= row.valid_until

    @invariant()
    def every_letter_has_its_own_key(self) -> None:
        keys = [m.key for m in self.world.rows(MailOut)]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("seeded", ["short", pytest.param("long", marks=pytest.mark.full)])
def test_the_life_of_a_request_under_any_order_of_clicks(databases: Databases, seeded: str) -> None:
    RequestLife.databases = databases
    run_state_machine_as_test(
        RequestLife,
        settings=settings(
            max_examples=25 if seeded == "short" else 1000,
            stateful_step_count=30 if seeded == "short" else 50,
            deadline=None,
            derandomize=seeded == "short",
            suppress_health_check=list(HealthCheck),
        ),
    )
