"""Live links whose account the portal closed or no longer has: noted, so that the board tells.

Nothing ends by it, since the line is the customer's: a colleague takes it over, or the desk ends
its contract. A portal can only be asked for one account at a time: for a few in each round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import UUID

from ..store import queries_holders, scope
from ..store.scope import NotInReach, Viewer
from .guarding import audit
from .onboarding.building import holder_check
from .portal_calls import asked
from .runtime import Runtime

EVERY = timedelta(hours=1)
"""How long the portal's answer is good for."""
PORTION = 400
"""Links in one round; at one in five minutes a hundred thousand have their turn in a day."""
PATIENCE = 20.0
"""Seconds of one round, for portals that are slow to answer."""
SILENT = 3
"""Failures one after the other, after which it is the portal that is away, and no account."""


def look(
    rt: Runtime, limit: int = PORTION, *, monotonic: Callable[[], float] = time.monotonic
) -> int:
    """Ask the portal for the accounts of some links; answers for how many links it did answer.

    Safe to run twice at once: both ask the same.
    """
    with rt.store.begin() as session:
        before = rt.store.now(session) - EVERY
        links = queries_holders.to_ask(session, before, limit)
    until = monotonic() + PATIENCE
    said: dict[str, str | None] = {}
    in_a_row = 0
    for account_id in dict.fromkeys(account_id for _, account_id in links):
        said[account_id] = _ask(rt, account_id)
        in_a_row = in_a_row + 1 if said[account_id] is None else 0
        if in_a_row == SILENT or monotonic() >= until:
            break
    return _note(rt, links, said)


def ask_again(rt: Runtime, viewer: Viewer, link_id: UUID | str, *, actor: str) -> None:
    """Ask the portal for one link's account now; raises NotInReach for a link that is not live."""
    with rt.store.begin() as session:
        link = scope.link(session, viewer, link_id)
        if link.ended_at is not None:
            raise NotInReach("link")
        audit(session, actor, "retry", f"link:{link.id}", link.tenant_id, wrong="holder")
        key, account_id = link.id, link.account_id
    _note(rt, [(key, account_id)], {account_id: _ask(rt, account_id)})


def _ask(rt: Runtime, account_id: str) -> str | None:
    """What `holder_check` says; None where the portal broke on it."""
    return asked(lambda: holder_check(rt.portal.account(account_id)), None)


def _note(rt: Runtime, links: Iterable[tuple[UUID, str]], said: dict[str, str | None]) -> int:
    """Write down for the links' accounts; what the portal broke on keeps what was known of it."""
    tried = [link_id for link_id, account_id in links if account_id in said]
    answered = [link_id for link_id, account_id in links if said.get(account_id) is not None]
    faults = {key: code for key, code in said.items() if code not in {None, "found"}}
    if tried:
        with rt.store.begin() as session:
            now = rt.store.now(session)
            queries_holders.asked(session, tried, now)
            queries_holders.answered(session, answered, faults, now)
    return len(answered)
