"""The outbox: letters are written in the transaction of what they tell, and sent afterwards.

A letter has a key; the same event never writes a second one. Sending claims a letter by a
conditional update, so that two workers do not both send it; a worker that dies in between leaves
it claimed until the lease ends. The message id is made from the key, so that a letter that went
out just before such a death is recognised as the same by the receiving side.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session, aliased

from ..ports import MailRefused
from ..store import scope
from ..store.bulk import insert_new
from ..store.queries_signals import failing
from ..store.scope import NotInReach, Viewer
from ..store.tables import MailOut
from . import addressees, letters
from .guarding import audit
from .runtime import Runtime

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)
"""Longer than any mail server takes to answer."""
BACKOFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720))
"""The waits between tries; after the last one the letter has failed."""


@dataclass(frozen=True, slots=True)
class SendReport:
    """What one round of sending did."""

    sent: int = 0
    postponed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class FailedMail:
    """A letter that did not go out, as the desk shows it."""

    id: int
    kind: str
    recipient: str
    request_id: UUID | None
    link_id: UUID | None
    tries: int
    error: str
    created_at: datetime
    given_up: bool


def queue(
    session: Session,
    *,
    key: str,
    kind: str,
    tenant_id: str,
    recipient: str,
    now: datetime,
    locale: str = "nl",
    link_id: UUID | None = None,
    request_id: UUID | None = None,
    not_before: datetime | None = None,
    **values: Any,
) -> bool:
    """Write one letter, within the caller's transaction; call `rt.wake.mail()` after the commit.

    `values` is plain JSON for the template of `kind`. Answers False where the event of this key
    was told already, or where there is nobody to tell.
    """
    if not recipient:
        log.warning("mail_without_recipient", kind=kind, tenant_id=tenant_id)
        return False
    row = {
        "key": key,
        "kind": kind,
        "tenant_id": tenant_id,
        "recipient": recipient,
        "locale": locale,
        "link_id": link_id,
        "request_id": request_id,
        "values": values,
        "state": "waiting",
        "tries": 0,
        "created_at": now,
        "next_try_at": not_before or now,
    }
    return insert_new(session, MailOut, row)


def cancel(session: Session, *, link_id: UUID, kind: str | None = None) -> int:
    """Take back a link's letters that did not go out yet; answers how many."""
    terms = [MailOut.link_id == link_id, MailOut.state == "waiting"]
    return _cancel(session, *terms, *([MailOut.kind == kind] if kind is not None else []))


def cancel_of_request(session: Session, request_id: UUID, *kinds: str) -> int:
    """Take back letters about a request that are no longer so; answers how many.

    Of these kinds, or of every kind but what support wrote itself. Those that were given up count
    too: nobody should try a letter again that became untrue.
    """
    which = MailOut.kind.in_(kinds) if kinds else MailOut.kind != "note"
    undelivered = MailOut.state.in_(("waiting", "failed"))
    return _cancel(session, MailOut.request_id == request_id, undelivered, which)


def _cancel(session: Session, *terms: sa.ColumnElement[bool]) -> int:
    query = sa.update(MailOut).where(*terms).values(state="cancelled", next_try_at=None)
    done = session.execute(query)
    assert isinstance(done, CursorResult)
    return done.rowcount


def send_due(rt: Runtime, *, limit: int = 100) -> SendReport:
    """Send what is due, one letter at a time; run by the mail job and by the clock."""
    sent = postponed = failed = 0
    for _ in range(limit):
        letter = _claim(rt)
        if letter is None:
            break
        state = _send(rt, letter)
        sent += state == "sent"
        postponed += state == "waiting"
        failed += state == "failed"
    return SendReport(sent, postponed, failed)


def failed(rt: Runtime, viewer: Viewer) -> list[FailedMail]:
    """The letters of the viewer's tenant that were refused or keep failing, the newest first."""
    with rt.store.begin() as session:
        rows = session.scalars(
            scope.mails(viewer).where(failing()).order_by(MailOut.id.desc()).limit(200)
        )
        return [
            FailedMail(
                row.id,
                row.kind,
                row.recipient,
                row.request_id,
                row.link_id,
                row.tries,
                row.last_error or "",
                row.created_at,
                row.state == "failed",
            )
            for row in rows
        ]


def retry(rt: Runtime, viewer: Viewer, mail_id: int, *, actor: str) -> None:
    """Try a failed letter again, now, at the address that its person has by now.

    NotInReach where the viewer's tenant has no such letter.
    """
    with rt.store.begin() as session:
        now = rt.store.now(session)
        row = session.scalar(
            scope.mails(viewer).where(
                MailOut.id == mail_id, MailOut.state.in_(("failed", "waiting"))
            )
        )
        if row is None:
            raise NotInReach("mail")
        row.state, row.tries, row.next_try_at = "waiting", 0, now
        row.recipient = addressees.address_now(rt, session, row)
        audit(session, actor, "mail_retry", f"mail:{row.id}", row.tenant_id)
    rt.wake.mail()


def set_aside(rt: Runtime, viewer: Viewer, mail_id: int, *, actor: str) -> None:
    """Give up a letter that keeps failing, and tell of it no more: nobody has that mailbox.

    NotInReach where the viewer's tenant has no such letter, or it has not failed.
    """
    with rt.store.begin() as session:
        row = session.scalar(scope.mails(viewer).where(MailOut.id == mail_id, failing()))
        if row is None:
            raise NotInReach("mail")
        row.state, row.next_try_at = "cancelled", None
        audit(session, actor, "mail_set_aside", f"mail:{row.id}", row.tenant_id)


# -- one letter -------------------------------------------------------------------------------


def _due(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(MailOut.state.in_(("waiting", "sending")), MailOut.next_try_at <= now)


def _in_turn() -> sa.ColumnElement[bool]:
    """Whether no earlier letter about the same request to the same person is still to go out.

    The first letters of all are gathered once a claim: asked for each letter, ten thousand that
    wait cost seconds.
    """
    pending = aliased(MailOut)
    firsts = (
        sa.select(sa.func.min(pending.id))
        .where(pending.state.in_(("waiting", "sending")), pending.request_id.is_not(None))
        .group_by(pending.request_id, pending.recipient)
    )
    return sa.or_(MailOut.request_id.is_(None), MailOut.id.in_(firsts))


def _claim(rt: Runtime) -> MailOut | None:
    """Take the letter that waited longest, none that overtakes another; None where none is due."""
    with rt.store.begin() as session:
        now = rt.store.now(session)
        oldest = (
            sa.select(MailOut.id)
            .where(_due(now), _in_turn())
            .order_by(MailOut.next_try_at, MailOut.id)
            .limit(1)
        )
        if rt.store.is_postgres:
            oldest = oldest.with_for_update(skip_locked=True)
        claimed = (
            sa.update(MailOut)
            .where(MailOut.id == oldest.scalar_subquery(), _due(now))
            .values(state="sending", tries=MailOut.tries + 1, next_try_at=now + LEASE)
            .returning(MailOut)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
        letter = session.scalar(claimed)
        if letter is not None:
            session.expunge(letter)
        return letter


def _send(rt: Runtime, letter: MailOut) -> str:
    """Send one claimed letter and record what came of it; answers its new state."""
    if letter.tries > len(BACKOFF) + 1:
        # Every one before took its worker along, and so never got as far as a refusal.
        return _record(rt, letter, error="the worker died each time", permanent=True)
    try:
        mail = letters.render(rt, letter, message_id=message_id(letter.key))
        rt.mailer.send(mail)
    except MailRefused as error:
        return _record(rt, letter, error=str(error), permanent=error.permanent)
    except letters.CannotWrite as error:
        log.error("mail_cannot_be_written", mail=letter.id, kind=letter.kind, fault=str(error))
        return _record(rt, letter, error=str(error), permanent=True)
    return _record(rt, letter)


def _record(
    rt: Runtime, letter: MailOut, *, error: str | None = None, permanent: bool = False
) -> str:
    tries = letter.tries
    with rt.store.begin() as session:
        now = rt.store.now(session)
        values: dict[str, Any]
        if error is None:
            values = {"state": "sent", "sent_at": now, "next_try_at": None, "last_error": None}
        elif permanent or tries > len(BACKOFF):
            values = {"state": "failed", "next_try_at": None, "last_error": error[:255]}
        else:
            again = now + BACKOFF[tries - 1]
            values = {"state": "waiting", "next_try_at": again, "last_error": error[:255]}
        # Only the claim that is still ours: a lease that ran out belongs to another worker.
        session.execute(
            sa.update(MailOut)
            .where(MailOut.id == letter.id, MailOut.state == "sending", MailOut.tries == tries)
            .values(**values)
        )
    state: str = values["state"]
    log.info("mail", mail=letter.id, kind=letter.kind, state=state, tries=tries)
    return state


def message_id(key: str) -> str:
    """The letter's `Message-ID`: the same for every try."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@gcal-plugin.invalid>"
