"""The lives of a link and of a request: every step that is not in the table is impossible."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gcal_plugin.domain import link_state as link
from gcal_plugin.domain import request_state as request
from gcal_plugin.domain.link_state import IllegalStep, LinkAction, LinkState
from gcal_plugin.domain.request_state import RequestAction, RequestState, Role, WrongRole

L, A = LinkState, LinkAction


@pytest.mark.parametrize(
    "path, last",
    [
        ([A.CONNECT, A.CHOOSE], L.LINKED),
        ([A.CONNECT, A.CHOOSE, A.CHOOSE], L.LINKED),
        ([A.CONNECT, A.CHOOSE, A.LOSE_ACCESS, A.RECONNECT], L.LINKED),
        ([A.CONNECT, A.CHOOSE, A.LOSE_ACCESS, A.CONNECT], L.CHOOSING),
        ([A.CONNECT, A.CHOOSE, A.LOSE_CALENDAR, A.FIND_CALENDAR], L.LINKED),
        ([A.CONNECT, A.CHOOSE, A.LOSE_CALENDAR, A.CHOOSE], L.LINKED),
        ([A.CONNECT, A.CHOOSE, A.LOSE_CALENDAR, A.LOSE_ACCESS], L.RECONNECT),
        ([A.CONNECT, A.CHOOSE, A.DISCONNECT], L.READY),
        ([A.CONNECT, A.DISCONNECT], L.READY),
        ([A.CONNECT, A.LOSE_ACCESS, A.DISCONNECT], L.READY),
        ([A.END, A.REOPEN], L.READY),
    ],
)
def test_lives_of_a_link(path, last):
    state = L.READY
    for action in path:
        state = link.step(state, action)
    assert state is last


def test_every_other_step_of_a_link_is_illegal():
    for state, action in product(LinkState, LinkAction):
        if (state, action) in link.STEPS:
            assert action in link.actions(state)
            continue
        assert action not in link.actions(state)
        with pytest.raises(IllegalStep, match=f"{action} is not possible while {state}") as told:
            link.step(state, action)
        assert (told.value.state, told.value.action) == (state, action)


def test_every_state_of_a_link_can_be_reached_and_can_end():
    assert {following for _, following in link.STEPS.items()} == set(LinkState)
    assert all((state, A.END) in link.STEPS for state in LinkState if state is not L.ENDED)


def test_only_a_linked_link_starts_forwards_and_no_ended_one_holds_a_grant():
    assert {L.LINKED} == link.MAY_START_FORWARDS
    assert {L.CHOOSING, L.LINKED, L.CALENDAR_GONE} == link.HOLDS_GRANT


R, Q = RequestState, RequestAction
CUSTOMER, SUPPORT, SYSTEM = Role.CUSTOMER, Role.SUPPORT, Role.SYSTEM


@pytest.mark.parametrize(
    "path, last",
    [
        (
            [
                (Q.QUOTE, SUPPORT),
                (Q.AGREE, CUSTOMER),
                (Q.PROVISION, SUPPORT),
                (Q.FINISH, SUPPORT),
                (Q.LINK, CUSTOMER),
                (Q.END, SUPPORT),
            ],
            R.ENDED,
        ),
        ([(Q.PROVISION, SUPPORT), (Q.FINISH, SYSTEM)], R.READY),
        ([(Q.QUOTE, SUPPORT), (Q.DECLINE, CUSTOMER), (Q.QUOTE, SUPPORT)], R.QUOTED),
        ([(Q.QUOTE, SUPPORT), (Q.EXPIRE, SYSTEM), (Q.QUOTE, SUPPORT)], R.QUOTED),
        ([(Q.CANCEL, CUSTOMER)], R.CANCELLED),
    ],
)
def test_lives_of_a_request(path, last):
    state = R.REQUESTED
    for action, role in path:
        state = request.step(state, action, role)
    assert state is last


@pytest.mark.parametrize(
    "state, action, role",
    [
        (R.QUOTED, Q.AGREE, SUPPORT),
        (R.QUOTED, Q.AGREE, SYSTEM),
        (R.QUOTED, Q.EXPIRE, CUSTOMER),
        (R.REQUESTED, Q.QUOTE, CUSTOMER),
        (R.REQUESTED, Q.PROVISION, CUSTOMER),
        (R.AGREED, Q.CANCEL, CUSTOMER),
        (R.LINKED, Q.END, CUSTOMER),
    ],
)
def test_a_step_of_another_role_is_refused(state, action, role):
    with pytest.raises(WrongRole):
        request.step(state, action, role)


def test_every_other_step_of_a_request_is_illegal():
    for state, action, role in product(RequestState, RequestAction, Role):
        allowed = (state, action) in request.STEPS and role in request.STEPS[state, action][1]
        assert (action in request.actions(state, role)) is allowed
        if not allowed:
            with pytest.raises(IllegalStep):
                request.step(state, action, role)


def test_only_open_requests_lead_a_second_one_to_themselves():
    assert frozenset(R) - request.OPEN == {R.DECLINED, R.EXPIRED, R.ENDED, R.CANCELLED}
    assert {state for state in R if state.over} == frozenset(R) - request.OPEN


class RequestLife(RuleBasedStateMachine):
    """Anybody tries anything at any time; the promises hold all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.state = R.REQUESTED
        self.agreed = self.built_by_support = self.final = False

    @rule(action=st.sampled_from(RequestAction), role=st.sampled_from(Role))
    def anybody_tries(self, action, role):
        before = self.state
        try:
            self.state = request.step(before, action, role)
        except IllegalStep:
            assert self.state is before
            return
        self.final = before in {R.ENDED, R.CANCELLED}
        self.agreed |= action is Q.AGREE
        self.built_by_support |= action is Q.PROVISION and role is SUPPORT

    @precondition(lambda self: self.state in {R.PROVISIONING, R.READY, R.LINKED})
    @invariant()
    def nothing_is_built_without_an_agreement_or_support(self):
        assert self.agreed or self.built_by_support

    @invariant()
    def what_ended_stays_ended(self):
        assert not self.final


RequestLife.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestRequestLife = RequestLife.TestCase
