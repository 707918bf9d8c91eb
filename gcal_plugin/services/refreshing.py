"""Refreshing grants whose leases we hold: the token endpoint asked side by side, one record."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from ..ports import AccessToken, CalendarError, GrantedTokens, GrantRevoked, OAuthClient
from ..store import queries_grant
from ..store.bulk import Row
from ..store.crypto import place
from ..store.tables import Grant
from . import breaking, grant_tokens
from .runtime import Runtime
from .sync_threads import side_by_side

_ENOUGH = 3
"""After so many failures in a row the others are not tried."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to refresh a grant until `until`, with what is needed for it."""

    grant_id: UUID
    client_id: str
    subject: str
    sealed: str
    """The refresh token as it is stored."""
    refresh_token: str = field(repr=False)
    until: datetime


def refresh(
    rt: Runtime, turns: Sequence[Turn], deadline: float, hopes: Hopes
) -> dict[UUID, AccessToken | CalendarError]:
    """Refresh outside any transaction, then write down what came of it and give the leases back.

    A turn that could not begin before `deadline` (of `time.monotonic`) has no answer; one for which
    `hopes` has none is not tried. The links of a grant that is over have been told.
    """
    clients = {client_id: _client(rt, client_id) for client_id in {one.client_id for one in turns}}

    def ask(turn: Turn) -> GrantedTokens | CalendarError | None:
        client = clients[turn.client_id]
        if isinstance(client, CalendarError):
            return client
        if time.monotonic() >= deadline:
            return None
        if (reason := hopes.lost(turn.client_id)) is not None:
            return reason
        try:
            granted = rt.oauth.refresh(client, turn.refresh_token)
        except CalendarError as error:
            hopes.failed(turn.client_id, error)
            return error
        hopes.worked(turn.client_id)
        return granted

    try:
        answers = list(side_by_side(rt, turns, ask))
    except BaseException:
        _release(rt, turns)
        raise
    _record(rt, answers)
    return {
        turn.grant_id: _token(turn, answer) if isinstance(answer, GrantedTokens) else answer
        for turn, answer in answers
        if answer is not None
    }


class Hopes:
    """Whether to go on asking: where the endpoint is away, waiting for it once for each grant
    would hold up everything else. One client's wrong secret says nothing about another client."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._away: list[CalendarError] = []
        self._refused: dict[str, list[CalendarError]] = {}

    def lost(self, client_id: str) -> CalendarError | None:
        """Why there is no use in asking for this client, if there is none."""
        with self._lock:
            for failures in (self._away, self._refused.get(client_id, [])):
                if len(failures) >= _ENOUGH:
                    return failures[-1]
        return None

    def worked(self, client_id: str) -> None:
        """Google gave a token, or knows exactly why not this one."""
        with self._lock:
            self._away.clear()
            self._refused.pop(client_id, None)

    def failed(self, client_id: str, error: CalendarError) -> None:
        """Count a failure, against whom it speaks."""
        if isinstance(error, GrantRevoked):
            self.worked(client_id)
            return
        with self._lock:
            if error.reason == "unreachable" or (error.status or 0) >= 500:
                self._away.append(error)
            else:
                self._refused.setdefault(client_id, []).append(error)


def _client(rt: Runtime, client_id: str) -> OAuthClient | CalendarError:
    try:
        return rt.client_by_id(client_id)
    except LookupError as error:
        return CalendarError(str(error), reason="unknown_client")


def _token(turn: Turn, granted: GrantedTokens) -> AccessToken:
    return replace(granted.access, subject=turn.subject, client_id=turn.client_id)


def _record(
    rt: Runtime, answers: Sequence[tuple[Turn, GrantedTokens | CalendarError | None]]
) -> None:
    """One transaction for all, whatever came of each; then those that are over, one by one."""
    granted = [(turn, one) for turn, one in answers if isinstance(one, GrantedTokens)]
    others = [turn for turn, one in answers if not isinstance(one, GrantedTokens)]
    with rt.store.begin() as session:
        now = rt.store.now(session)
        rows = [_row(rt, turn, one, now) for turn, one in granted]
        kept = queries_grant.keep_tokens(session, rows)
        for turn, one in granted:
            if one.refresh_token is not None and turn.grant_id in kept:
                grant = session.get_one(Grant, turn.grant_id, populate_existing=True)
                grant_tokens.put_refresh_token(rt.store.keyring, grant, one.refresh_token)
        lost = [turn for turn, _ in granted if turn.grant_id not in kept]
        _give_back(session, [*others, *lost])
    for turn, answer in answers:
        if isinstance(answer, GrantRevoked):
            breaking.grant_lost(rt, turn.grant_id, "revoked", sealed=turn.sealed)


def _row(rt: Runtime, turn: Turn, granted: GrantedTokens, now: datetime) -> Row:
    access = granted.access
    return {
        "id": turn.grant_id,
        "refresh_token": turn.sealed,
        "access_token": rt.store.keyring.seal(
            access.value, place("gcal_grant", turn.grant_id, "access_token")
        ),
        "access_expires_at": access.expires_at,
        "refresh_lease_until": None,
        "checked_at": now,
    }


def _release(rt: Runtime, turns: Sequence[Turn]) -> None:
    with rt.store.begin() as session:
        _give_back(session, turns)


def _give_back(session: Session, turns: Sequence[Turn]) -> None:
    """Give the leases back; all were taken up to the same instant."""
    for until in {turn.until for turn in turns}:
        ids = [turn.grant_id for turn in turns if turn.until == until]
        queries_grant.release_refreshes(session, ids, until)
