"""Access tokens: cached sealed, refreshed once per grant, never given up for a mere failure."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..ports import AccessToken, CalendarError, GrantedTokens, GrantRevoked
from ..store.crypto import CannotOpen, Keyring, place
from ..store.queries_calendar import GrantTokens
from ..store.tables import Grant
from . import breaking, grant_tokens
from .runtime import Runtime

_TABLE = cast(sa.Table, Grant.__table__)

_LEASE = timedelta(seconds=30)
"""How long a refresh may take before another process may try."""
_WAIT_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_EARLY = timedelta(seconds=30)
"""A token that ends so soon is refreshed now."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """The right to refresh a grant, with what is needed for it."""

    client_id: str
    subject: str
    sealed: str
    refresh_token: str
    lease_until: datetime


def cached(keyring: Keyring, grant: GrantTokens, now: datetime) -> AccessToken | None:
    """The grant's access token where there is one that still works for a while."""
    if grant.access_token is None or grant.access_expires_at is None:
        return None
    if grant.access_expires_at <= now + _EARLY:
        return None
    try:
        value = keyring.open(grant.access_token, place("gcal_grant", grant.id, "access_token"))
    except CannotOpen:
        return None
    return AccessToken(value, grant.access_expires_at, grant.subject, grant.client_id)


def access_token(
    rt: Runtime, grant_id: UUID, *, refused: AccessToken | None = None, urgent: bool = False
) -> AccessToken:
    """A working access token of a grant.

    `refused` is a token that Google answered 401 to: it is not handed out again. Raises
    `GrantRevoked` where access is over (the links have been told by then), or another
    `CalendarError` where it cannot be had just now.
    """
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        found = _look(rt, grant_id, refused)
        if isinstance(found, AccessToken):
            return replace(found, urgent=urgent)
        if found is not None:
            return replace(_refresh(rt, grant_id, found), urgent=urgent)
        if time.monotonic() >= deadline:
            raise CalendarError("somebody else is refreshing this grant", reason="refresh_busy")
        time.sleep(_LOOK_SECONDS)


def _look(rt: Runtime, grant_id: UUID, refused: AccessToken | None) -> AccessToken | _Turn | None:
    """The token, or the right to refresh it; None while somebody else has that right."""
    keyring = rt.store.keyring
    with rt.store.begin() as session:
        grant = session.get(Grant, grant_id, populate_existing=True)
        if grant is None or grant.state == "revoked":
            raise GrantRevoked
        if grant.state != "live":
            raise CalendarError("the account is suspended", reason=grant.state)
        now = rt.store.now(session)
        tokens = GrantTokens(
            grant.id,
            grant.client_id,
            grant.subject,
            grant.state,
            grant.access_token,
            grant.access_expires_at,
        )
        token = cached(keyring, tokens, now)
        if token is not None and (refused is None or token.value != refused.value):
            return token
        until = now + _LEASE
        taken = session.execute(
            sa.update(_TABLE)
            .where(
                _TABLE.c.id == grant_id,
                # Unless somebody refreshed it since we looked.
                _TABLE.c.access_token.is_not_distinct_from(grant.access_token),
                sa.or_(_TABLE.c.refresh_lease_until.is_(None), _TABLE.c.refresh_lease_until <= now),
            )
            .values(refresh_lease_until=until)
            .returning(_TABLE.c.refresh_token)
        ).one_or_none()
        if taken is None:
            return None
        sealed = taken.refresh_token
        if sealed is None:
            raise GrantRevoked
        try:
            plain = keyring.open(sealed, place("gcal_grant", grant_id, "refresh_token"))
        except CannotOpen as error:
            # A key that is missing from the keyring is the operator's fault, not a revocation.
            raise CalendarError(
                "the refresh token cannot be opened", reason="cannot_open"
            ) from error
        return _Turn(grant.client_id, grant.subject, sealed, plain, until)


def _refresh(rt: Runtime, grant_id: UUID, turn: _Turn) -> AccessToken:
    """Refresh outside any transaction, then write down what came of it."""
    try:
        client = rt.client_by_id(turn.client_id)
    except LookupError as error:
        _give_back(rt, grant_id, turn)
        raise CalendarError(str(error), reason="unknown_client") from error
    try:
        granted = rt.oauth.refresh(client, turn.refresh_token)
    except GrantRevoked:
        if _still_the_same(rt, grant_id, turn):
            breaking.grant_lost(rt, grant_id, "revoked")
        raise
    except BaseException:
        _give_back(rt, grant_id, turn)
        raise
    _keep(rt, grant_id, turn, granted)
    return replace(granted.access, subject=turn.subject, client_id=turn.client_id)


def _keep(rt: Runtime, grant_id: UUID, turn: _Turn, granted: GrantedTokens) -> None:
    with rt.store.begin() as session:
        grant = session.get(Grant, grant_id, populate_existing=True)
        if grant is None or grant.refresh_token != turn.sealed:
            return  # disconnected, or connected anew, meanwhile: theirs is the newer word
        keyring = rt.store.keyring
        access = granted.access
        grant_tokens.put_access_token(keyring, grant, access.value, access.expires_at)
        if granted.refresh_token is not None:
            grant_tokens.put_refresh_token(keyring, grant, granted.refresh_token)
        grant.refresh_lease_until = None
        grant.checked_at = rt.store.now(session)


def _still_the_same(rt: Runtime, grant_id: UUID, turn: _Turn) -> bool:
    """Whether the refused token is still the stored one; a reconnect may have replaced it."""
    with rt.store.begin() as session:
        same = session.scalar(sa.select(_TABLE.c.refresh_token).where(_TABLE.c.id == grant_id))
        _release(session, grant_id, turn)
        return bool(same == turn.sealed)


def _give_back(rt: Runtime, grant_id: UUID, turn: _Turn) -> None:
    with rt.store.begin() as session:
        _release(session, grant_id, turn)


def _release(session: Session, grant_id: UUID, turn: _Turn) -> None:
    session.execute(
        sa.update(_TABLE)
        .where(_TABLE.c.id == grant_id, _TABLE.c.refresh_lease_until == turn.lease_until)
        .values(refresh_lease_until=None)
    )
