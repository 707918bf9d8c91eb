"""Access tokens: cached sealed, refreshed once per grant, never given up for a mere failure.

Many are had at once: one statement takes the right to refresh, a few threads ask the token
endpoint, one transaction writes down what it gave (`refreshing`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from ..ports import AccessToken, CalendarError, GrantRevoked
from ..store import queries_calendar, queries_grant
from ..store.crypto import CannotOpen, Keyring, place
from ..store.queries_grant import Refreshable
from .grant_tokens import cached
from .refreshing import Hopes, Turn, refresh
from .runtime import Runtime

BUSY = "refresh_busy"
"""The code of a token that could not be had in time, through nobody's fault."""

_LEASE = timedelta(seconds=30)
"""How long a refresh may take before another process may try. More than `_WAIT_SECONDS` and the
time-out of a request together: none is begun later than that."""
_WAIT_SECONDS = 10.0
_LOOK_SECONDS = 0.05

_T = TypeVar("_T")
Tokens = dict[UUID, AccessToken | CalendarError]


def access_token(
    rt: Runtime, grant_id: UUID, *, refused: AccessToken | None = None, urgent: bool = False
) -> AccessToken:
    """A working access token of a grant.

    `refused` is a token that Google answered 401 to: it is not handed out again. Raises
    `GrantRevoked` where access is over (the links have been told by then), or another
    `CalendarError` where it cannot be had just now.
    """
    found = access_tokens(rt, {grant_id: refused})[grant_id]
    if isinstance(found, CalendarError):
        raise found
    return replace(found, urgent=urgent)


def with_token(rt: Runtime, grant_id: UUID, ask: Callable[[AccessToken], _T]) -> _T:
    """What Google answers; a token that it refuses is replaced once.

    Raises what `access_token` raises, and what `ask` does.
    """
    access = access_token(rt, grant_id)
    try:
        return ask(access)
    except CalendarError as error:
        if error.status != 401:
            raise
    return ask(access_token(rt, grant_id, refused=access))


def access_tokens(
    rt: Runtime, wanted: Mapping[UUID, AccessToken | None], hopes: Hopes | None = None
) -> Tokens:
    """For each grant a working token, or why there is none; `wanted` names the refused ones.

    `hopes` keeps from call to call whether there is use in asking the token endpoint.
    Waits about ten seconds for others who refresh the same grants, and begins no refresh later
    than that; what is not had by then is `BUSY`. Those whose access is over have been told.
    """
    found: Tokens = {}
    hopes = hopes or Hopes()
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        looked = _look(rt, {one: refused for one, refused in wanted.items() if one not in found})
        found |= looked.found
        if looked.turns:
            found |= refresh(rt, looked.turns, deadline, hopes)
        left = wanted.keys() - found.keys()
        if not left:
            return found
        if time.monotonic() >= deadline:
            busy = CalendarError("somebody else is refreshing this grant", reason=BUSY)
            return found | dict.fromkeys(left, busy)
        if not looked.turns:
            time.sleep(_LOOK_SECONDS)


@dataclass(slots=True)
class _Looked:
    """Tokens that are there, what cannot be had, and the right to refresh some.

    A grant in none of them is being refreshed by somebody else.
    """

    found: Tokens = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)


def _look(rt: Runtime, wanted: Mapping[UUID, AccessToken | None]) -> _Looked:
    keyring = rt.store.keyring
    looked = _Looked()
    with rt.store.begin() as session:
        now = rt.store.now(session)
        known = queries_calendar.grants(session, wanted)
        stale: list[UUID] = []
        for grant_id, refused in wanted.items():
            grant = known.get(grant_id)
            if grant is None or grant.state != "live":
                looked.found[grant_id] = GrantRevoked()
            elif token := _other(cached(keyring, grant, now), refused):
                looked.found[grant_id] = token
            else:
                stale.append(grant_id)
        if not stale:
            return looked
        until = now + _LEASE
        unused: list[UUID] = []
        for one in queries_grant.claim_refreshes(session, stale, now, until):
            grant_id = one.grant.id
            # Somebody may have refreshed it since we looked.
            token = _other(cached(keyring, one.grant, now), wanted[grant_id])
            turn = token or _opened(keyring, one, until)
            if isinstance(turn, Turn):
                looked.turns.append(turn)
            else:
                looked.found[grant_id] = turn
                unused.append(grant_id)
        queries_grant.release_refreshes(session, unused, until)
    return looked


def _other(token: AccessToken | None, refused: AccessToken | None) -> AccessToken | None:
    return None if token and refused and token.value == refused.value else token


def _opened(keyring: Keyring, one: Refreshable, until: datetime) -> Turn | CalendarError:
    """The right to refresh a grant of which we have the lease."""
    grant = one.grant
    if one.refresh_token is None:
        return GrantRevoked()
    try:
        plain = keyring.open(one.refresh_token, place("gcal_grant", grant.id, "refresh_token"))
    except CannotOpen:
        # A key that is missing from the keyring is the operator's fault, not a revocation.
        return CalendarError("the refresh token cannot be opened", reason="cannot_open")
    return Turn(grant.id, grant.client_id, grant.subject, one.refresh_token, plain, until)
