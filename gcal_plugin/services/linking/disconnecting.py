"""Letting go: the forward cleared, access withdrawn at Google, what was stored deleted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.link_state import LinkAction
from ...ports import Account, CalendarError
from ...store import scope
from ...store.crypto import CannotOpen
from ...store.tables import Calendar, Grant, Link, WindowRow
from .. import grant_tokens
from ..access import actor, as_customer
from ..link_records import mended, move, note, wants_attention
from ..runtime import Runtime
from ..watching import close_unused_channels
from .withdrawing import let_go, withdraw_of_link


class Cleared(StrEnum):
    """What became of the forward on the exchange."""

    DONE = "done"
    """Read back: there is none of ours any more."""
    PENDING = "pending"
    """The exchange did not answer; we keep trying until it is gone."""


class Withdrawn(StrEnum):
    """What became of the access at Google."""

    DONE = "done"
    ALREADY = "already"
    """It was gone before: the customer, or Google, had withdrawn it."""
    SHARED = "shared"
    """Another extension still uses this Google account, so it stays."""
    FAILED = "failed"
    """Google did not answer; our token is deleted all the same."""


@dataclass(frozen=True, slots=True)
class DisconnectReport:
    """Each outcome of a disconnect, for the page that says so."""

    extension: str
    email: str
    forward: Cleared
    access: Withdrawn
    data_deleted: bool


def disconnect(rt: Runtime, account: Account, link_id: UUID | str) -> DisconnectReport:
    """Let go of the link, keeping the extension ready to connect again.

    The row changes first, so that a sync under way records nothing any more; then the exchange,
    then Google.
    """
    from ..alarms import link_mended
    from ..onboarding.following import follow_link

    with rt.store.begin() as session:
        link = scope.link(session, as_customer(account), link_id)
        now = rt.store.now(session)
        grant = link.grant
        email, grant_id = (grant.email, grant.id) if grant else ("", None)
        detach(session, link, LinkAction.DISCONNECT)
        link.linked_at = None
        note(session, link, "disconnected", actor(account), now)
        link_mended(session, link)
        follow_link(session, link, linked=False, who=actor(account), now=now)
        wants_attention(session, link, now)
        extension, key = link.extension, link.id
    from ..switching import clear_link

    forward = Cleared.DONE if clear_link(rt, key, cause="disconnect") else Cleared.PENDING
    access = release(rt, grant_id) if grant_id else Withdrawn.ALREADY
    withdraw_of_link(rt, key)
    return DisconnectReport(extension, email, forward, access, data_deleted=True)


def detach(session: Session, link: Link, action: LinkAction) -> None:
    """Take calendar and grant off a link and delete what only this link needed."""
    move(link, action)
    calendar_id = link.calendar_id
    link.calendar_id = link.grant_id = None
    link.paused_at = link.paused_until = None
    mended(session, link)
    let_go(session, link.id)
    session.flush()
    if calendar_id is not None:
        forget_calendar(session, calendar_id)


def forget_calendar(session: Session, calendar_id: UUID) -> None:
    """Stop following a calendar that no link needs any more, and delete its windows.

    The row itself stays until its grant goes: its channels are closed with it. The generation
    moves on, so that a sync under way records nothing.
    """
    if session.scalar(sa.select(sa.exists().where(Link.calendar_id == calendar_id))):
        return
    session.execute(sa.delete(WindowRow).where(WindowRow.calendar_id == calendar_id))
    session.execute(
        sa.update(Calendar)
        .where(Calendar.id == calendar_id)
        .values(
            generation=Calendar.generation + 1,
            sync_token=None,
            next_sync_at=None,
            relist_at=None,
            listed_until=None,
            synced_at=None,
            dirty=False,
        )
    )


def release(rt: Runtime, grant_id: UUID) -> Withdrawn:
    """Hand a grant back at Google when its last link is gone; otherwise close what is unused."""
    close_unused_channels(rt, grant_id)
    with rt.store.begin() as session:
        grant = session.get(Grant, grant_id)
        if grant is None:
            return Withdrawn.ALREADY
        if session.scalar(sa.select(sa.exists().where(Link.grant_id == grant_id))):
            return Withdrawn.SHARED
        try:
            token = grant_tokens.refresh_token_of(rt.store.keyring, grant)
        except CannotOpen:
            token = None
        client_id = grant.client_id
        session.execute(sa.delete(Calendar).where(Calendar.grant_id == grant_id))
        session.delete(grant)
    if token is None:
        return Withdrawn.ALREADY
    try:
        gone = rt.oauth.revoke(rt.client_by_id(client_id), token)
    except (CalendarError, LookupError):
        return Withdrawn.FAILED
    return Withdrawn.DONE if gone else Withdrawn.ALREADY
