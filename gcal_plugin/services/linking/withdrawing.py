"""Consents that nobody confirms: handed back at Google, where nothing of ours uses the account.

Google withdraws all that a person granted to a client, never one token: so a consent to an account
that a link uses, or that somebody is confirming elsewhere, is only forgotten.
"""

from __future__ import annotations

import logging
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...ports import CalendarError
from ...store.crypto import CannotOpen
from ...store.tables import Consent, Grant
from .. import grant_tokens
from ..runtime import Runtime

log = logging.getLogger(__name__)


def withdraw_unconfirmed(rt: Runtime, limit: int = 200) -> int:
    """Hand back what was not confirmed in time; answers how many are gone.

    Where Google does not answer it comes again, until the purge forgets it.
    """
    with rt.store.begin() as session:
        over = session.scalars(
            sa.select(Consent.id)
            .where(Consent.expires_at <= rt.store.now(session))
            .order_by(Consent.expires_at)
            .limit(limit)
        ).all()
    return sum(_withdraw(rt, consent_id) for consent_id in over)


def withdraw_of_link(rt: Runtime, link_id: UUID) -> None:
    """Hand back what was let go with a link (`let_go`), now rather than in ten minutes."""
    with rt.store.begin() as session:
        over = session.scalars(
            sa.select(Consent.id).where(
                Consent.link_id == link_id, Consent.expires_at <= rt.store.now(session)
            )
        ).all()
    for consent_id in over:
        _withdraw(rt, consent_id)


def let_go(session: Session, link_id: UUID) -> None:
    """A link's pending consent can no longer be confirmed; it is handed back afterwards."""
    session.execute(
        sa.update(Consent)
        .where(Consent.link_id == link_id)
        .values(expires_at=Consent.created_at)
        .execution_options(synchronize_session=False)
    )


def hand_back(rt: Runtime, client_id: str, subject: str, token: str) -> bool:
    """Withdraw a grant that came of a consent; False where Google did not answer."""
    with rt.store.begin() as session:
        if _in_use(session, rt, client_id, subject):
            return True
    try:
        rt.oauth.revoke(rt.client_by_id(client_id), token)
    except (CalendarError, LookupError) as error:
        log.info("an unconfirmed consent could not be withdrawn: %s", error)
        return False
    return True


def _withdraw(rt: Runtime, consent_id: UUID) -> bool:
    with rt.store.begin() as session:
        consent = session.get(Consent, consent_id)
        if consent is None:
            return False
        client_id, subject = consent.client_id, consent.subject
        try:
            token, _ = grant_tokens.consent_tokens(rt.store.keyring, consent)
        except CannotOpen:
            token = ""  # nobody can use it any more, we neither
    if token and not hand_back(rt, client_id, subject, token):
        return False
    with rt.store.begin() as session:
        session.execute(sa.delete(Consent).where(Consent.id == consent_id))
    return True


def _in_use(session: Session, rt: Runtime, client_id: str, subject: str) -> bool:
    grant = sa.exists().where(
        Grant.client_id == client_id, Grant.subject == subject, Grant.state == "live"
    )
    pending = sa.exists().where(
        Consent.client_id == client_id,
        Consent.subject == subject,
        Consent.expires_at > rt.store.now(session),
    )
    return bool(session.scalar(sa.select(sa.or_(grant, pending))))
