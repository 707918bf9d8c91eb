"""To Google and back: the one-time attempt, and the consent that waits for its owner's yes."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.link_state import LinkState
from ...ports import Account, GrantedTokens, OAuthClient
from ...store import scope
from ...store.crypto import CannotOpen, place
from ...store.tables import Attempt, Consent, Link
from ...store.tables.base import new_id
from .. import grant_tokens
from ..access import actor, as_customer
from ..link_records import note
from ..runtime import Runtime
from .errors import (
    AttemptRefused,
    ConsentCancelled,
    ConsentFailed,
    LinkingError,
    NoRefreshToken,
    ScopesMissing,
)
from .withdrawing import hand_back

ATTEMPT_LIFE = timedelta(minutes=15)
CONSENT_LIFE = timedelta(hours=1)


class NotReady(LinkingError):
    """The extension is not provisioned (any more): there is nothing to connect."""

    code = "not_ready"


@dataclass(frozen=True, slots=True)
class ConnectOutcome:
    """What came back from Google, waiting to be confirmed."""

    link_id: UUID
    email: str
    previous_email: str | None
    """The address linked so far, where it is another."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def session_digest(account: Account, session_key: str) -> str:
    """Binds an attempt to one browser session of one person."""
    return _digest(f"{account.tenant_id}\0{account.id}\0{session_key}")


def begin_connect(
    rt: Runtime,
    account: Account,
    link_id: UUID | str,
    *,
    session_key: str,
    redirect_uri: str,
    return_host: str = "",
) -> str:
    """Store a one-time attempt and answer where the browser goes."""
    tenant = rt.portal.tenant(account.tenant_id)
    if tenant is None:
        raise LookupError(f"the portal has no tenant {account.tenant_id}")
    client = rt.oauth_client(tenant)
    state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
    state_digest = _digest(state)
    with rt.store.begin() as session:
        link = scope.link(session, as_customer(account), link_id)
        if link.state == LinkState.ENDED:
            raise NotReady
        now = rt.store.now(session)
        hint = link.grant.email if link.grant is not None else None
        session.execute(sa.delete(Attempt).where(Attempt.expires_at < now))
        session.add(
            Attempt(
                state_digest=state_digest,
                session_digest=session_digest(account, session_key),
                tenant_id=account.tenant_id,
                account_id=account.id,
                link_id=link.id,
                client_id=client.id,
                redirect_uri=redirect_uri,
                return_host=return_host,
                secrets=rt.store.keyring.seal(
                    json.dumps([nonce, verifier]), place("gcal_attempt", state_digest, "secrets")
                ),
                created_at=now,
                expires_at=now + ATTEMPT_LIFE,
            )
        )
    return rt.oauth.authorize_url(
        client,
        redirect_uri=redirect_uri,
        state=state,
        nonce=nonce,
        code_verifier=verifier,
        login_hint=hint,
        locale=account.locale,
    )


def return_host_of(rt: Runtime, state: str) -> str | None:
    """Where the person with this state began; the attempt stays unused. None where unknown."""
    with rt.store.begin() as session:
        return session.scalar(
            sa.select(Attempt.return_host).where(
                Attempt.state_digest == _digest(state), Attempt.expires_at > rt.store.now(session)
            )
        )


def attempted_link(rt: Runtime, account: Account, state: str) -> UUID | None:
    """The link that this person's attempt with this state is for; None where there is no such one.

    Asked before the attempt is used up: whatever Google answers, the person goes back to that link.
    """
    with rt.store.begin() as session:
        return session.scalar(
            sa.select(Attempt.link_id).where(
                Attempt.state_digest == _digest(state),
                Attempt.tenant_id == account.tenant_id,
                Attempt.account_id == account.id,
            )
        )


def finish_connect(
    rt: Runtime,
    account: Account,
    *,
    session_key: str,
    state: str,
    code: str | None,
    error: str | None,
    issuer: str | None,
) -> ConnectOutcome:
    """Use up the attempt, fetch the tokens, keep the consent apart until it is confirmed.

    Raises a `LinkingError` that says what happened, or `CalendarError` where Google failed; in
    each case nothing of the link has changed.
    """
    attempt = _consume(rt, account, session_key, state)
    if error:
        raise ConsentCancelled if error == "access_denied" else ConsentFailed(error)
    if not code:
        raise AttemptRefused("state")
    client = rt.client_by_id(attempt.client_id)
    nonce, verifier = _secrets_of(rt, attempt)
    tokens = rt.oauth.exchange(
        client,
        code=code,
        redirect_uri=attempt.redirect_uri,
        code_verifier=verifier,
        nonce=nonce,
        issuer=issuer,
    )
    missing = rt.oauth.required_scopes() - tokens.scopes
    if missing:
        raise ScopesMissing(missing)
    if not tokens.refresh_token:
        raise NoRefreshToken
    return _keep(rt, account, attempt, client, tokens)


def _secrets_of(rt: Runtime, attempt: Attempt) -> tuple[str, str]:
    """Nonce and verifier; a key that this machine does not have (yet) asks for a fresh attempt."""
    where = place("gcal_attempt", attempt.state_digest, "secrets")
    try:
        nonce, verifier = json.loads(rt.store.keyring.open(attempt.secrets, where))
    except CannotOpen:
        raise AttemptRefused("expired") from None
    return nonce, verifier


def _consume(rt: Runtime, account: Account, session_key: str, state: str) -> Attempt:
    """Delete the attempt and check whose it was, in this order: a second try finds nothing."""
    with rt.store.begin() as session:
        attempt: Attempt | None = session.scalar(
            sa.delete(Attempt).where(Attempt.state_digest == _digest(state)).returning(Attempt)
        )
        now = rt.store.now(session)
        if attempt is not None:
            session.expunge(attempt)
    if attempt is None:
        raise AttemptRefused("state")
    if attempt.expires_at <= now:
        raise AttemptRefused("expired")
    if (attempt.tenant_id, attempt.account_id) != (account.tenant_id, account.id):
        raise AttemptRefused("account")
    if not secrets.compare_digest(attempt.session_digest, session_digest(account, session_key)):
        raise AttemptRefused("session")
    return attempt


def _keep(
    rt: Runtime, account: Account, attempt: Attempt, client: OAuthClient, tokens: GrantedTokens
) -> ConnectOutcome:
    seal = rt.store.keyring.seal
    with rt.store.begin() as session:
        link: Link = scope.link(session, as_customer(account), attempt.link_id)
        if link.state == LinkState.ENDED:
            raise NotReady
        now = rt.store.now(session)
        replaced = session.scalar(
            sa.delete(Consent).where(Consent.link_id == link.id).returning(Consent)
        )
        if replaced is not None:
            session.expunge(replaced)
        row = new_id()
        session.add(
            Consent(
                id=row,
                link_id=link.id,
                account_id=account.id,
                session_digest=attempt.session_digest,
                client_id=client.id,
                subject=tokens.subject,
                email=tokens.email,
                scopes=sorted(tokens.scopes),
                refresh_token=seal(
                    tokens.refresh_token or "", place("gcal_consent", row, "refresh_token")
                ),
                access_token=seal(tokens.access.value, place("gcal_consent", row, "access_token")),
                access_expires_at=tokens.access.expires_at,
                created_at=now,
                expires_at=now + CONSENT_LIFE,
            )
        )
        previous = link.grant.email if link.grant is not None else None
        note(session, link, "consented", actor(account), now)
        other = previous if link.grant and link.grant.subject != tokens.subject else None
        outcome = ConnectOutcome(link_id=link.id, email=tokens.email, previous_email=other)
    if replaced is not None:
        _hand_back(rt, replaced)
    return outcome


def _hand_back(rt: Runtime, replaced: Consent) -> None:
    """The wrong account was chosen first: what it granted is withdrawn, unless it is in use."""
    try:
        token, _ = grant_tokens.consent_tokens(rt.store.keyring, replaced)
    except CannotOpen:
        return
    hand_back(rt, replaced.client_id, replaced.subject, token)


def pending_consent(
    rt: Runtime, session: Session, account: Account, link: Link, session_key: str
) -> Consent | None:
    """The consent that this person, in this session, has still to confirm for this link."""
    consent = session.scalar(
        sa.select(Consent).where(
            Consent.link_id == link.id,
            Consent.account_id == account.id,
            Consent.expires_at > rt.store.now(session),
        )
    )
    if consent is None:
        return None
    mine = secrets.compare_digest(consent.session_digest, session_digest(account, session_key))
    return consent if mine else None
