"""The list of calendars, and the choice that makes the link."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.link_state import LinkAction, LinkState
from ...ports import AccessToken, Account, CalendarInfo, Capabilities
from ...store import scope
from ...store.tables import Calendar, Consent, Grant, Link
from .. import grant_tokens
from ..access import actor, as_customer
from ..grants import with_token
from ..link_records import move, note, wants_attention, works_again
from ..runtime import Runtime
from ..syncing import sync_calendars
from .connect import pending_consent
from .disconnecting import forget_calendar, release
from .errors import (
    CalendarVanished,
    NothingToChoose,
    OtherAccount,
    TitlesUnreadable,
)
from .standing import Standing, answered, settle, standing_forward


@dataclass(frozen=True, slots=True)
class Choice:
    """What the page of calendars shows."""

    link_id: UUID
    email: str
    """The Google address that the calendars belong to."""
    previous_email: str | None
    """The address linked so far, where choosing now would switch to another account."""
    calendars: list[CalendarInfo]
    chosen: str | None
    """Google's id of the calendar that is linked now."""
    also_on: dict[str, list[str]]
    """Extensions of this customer that follow a calendar already, by Google's calendar id."""
    capabilities: Capabilities | None
    """What the exchange does with forwards; None where the settings no longer name it."""
    standing: Standing
    """A forward on the exchange that is not ours, and that is to be decided about."""
    fallback_number: str | None
    stale_choice: str
    second_contact: str | None


def calendar_choice(
    rt: Runtime, account: Account, link_id: UUID | str, *, session_key: str
) -> Choice:
    """The account's calendars; raises `NothingToChoose` before a consent, `CalendarError` when
    Google fails."""
    with rt.store.begin() as session:
        link = scope.link(session, as_customer(account), link_id)
        consent = pending_consent(rt, session, account, link, session_key)
        grant = link.grant
        token = _consent_access(rt, consent) if consent else None
        tenant_id = link.tenant_id
        previous = None
        if consent and grant and grant.subject != consent.subject:
            previous = grant.email
        email = consent.email if consent else (grant.email if grant else "")
        chosen = link.calendar.google_id if link.calendar else None
        others = _also_on(session, link)

    def listed(access: AccessToken) -> list[CalendarInfo]:
        return rt.calendars.calendars(replace(access, urgent=True, tenant_id=tenant_id))

    if token is not None:
        calendars = listed(token)
    elif grant is None or grant.state != "live":
        raise NothingToChoose
    else:
        calendars = with_token(rt, grant.id, listed)
    return Choice(
        link_id=link.id,
        email=email,
        previous_email=previous,
        calendars=calendars,
        chosen=chosen,
        also_on=others,
        capabilities=exchange.capabilities if (exchange := rt.telephony.get(link.pbx)) else None,
        standing=standing_forward(rt, link.id),
        fallback_number=link.fallback_number,
        stale_choice=link.stale_choice,
        second_contact=link.second_contact,
    )


def _consent_access(rt: Runtime, consent: Consent) -> AccessToken:
    _, access = grant_tokens.consent_tokens(rt.store.keyring, consent)
    return AccessToken(
        value=access,
        expires_at=consent.access_expires_at,
        subject=consent.subject,
        client_id=consent.client_id,
    )


def _also_on(session: Session, link: Link) -> dict[str, list[str]]:
    rows = session.execute(
        sa.select(Calendar.google_id, Link.extension)
        .join(Calendar, Link.calendar_id == Calendar.id)
        .where(
            Link.tenant_id == link.tenant_id,
            Link.domain == link.domain,
            Link.id != link.id,
            Link.ended_at.is_(None),
        )
    )
    found: dict[str, list[str]] = {}
    for google_id, extension in rows:
        found.setdefault(google_id, []).append(extension)
    return found


def choose_calendar(
    rt: Runtime,
    account: Account,
    link_id: UUID | str,
    google_id: str,
    *,
    session_key: str,
    switch_account: bool = False,
    replace_forward: bool | None = None,
    seen_forward: Collection[str] | None = None,
) -> UUID:
    """Confirm the account, link the calendar; answers the calendar's id.

    Looks at Google's list again, so that a calendar which vanished between page and click is
    refused. `switch_account` and `replace_forward` are the person's answers to `OtherAccount` and
    `ForwardExists`: True replaces the forward that stands on the extension, at once; False keeps it
    for whenever no appointment forwards. `seen_forward` names the destinations that were shown, so
    that a forward set since is asked about too. The first fetch follows at once.
    """
    choice = calendar_choice(rt, account, link_id, session_key=session_key)
    info = next((one for one in choice.calendars if one.id == google_id), None)
    if info is None:
        raise CalendarVanished
    if not info.titles_readable:
        raise TitlesUnreadable
    if choice.previous_email and not switch_account:
        raise OtherAccount(choice.previous_email, choice.email)
    answered(choice.standing, replace_forward, seen_forward)
    left: UUID | None = None
    told = False
    with rt.store.begin() as session:
        link = scope.link(session, as_customer(account), link_id)
        now = rt.store.now(session)
        consent = pending_consent(rt, session, account, link, session_key)
        before = (link.grant_id, link.calendar_id)
        if consent is not None:
            told |= _take_grant(rt, session, link, consent, now)
            move(link, LinkAction.CONNECT)
            session.delete(consent)
            note(session, link, "connected", actor(account), now)
        grant_id = link.grant_id
        if grant_id is None:
            raise NothingToChoose
        calendar = _calendar(session, grant_id, info, now)
        move(link, LinkAction.CHOOSE)
        link.calendar_id = calendar.id
        told |= works_again(session, link, now)
        link.linked_at = now
        settle(session, link, choice.standing, actor(account), now, replace=bool(replace_forward))
        wants_attention(session, link, now)
        note(session, link, "calendar_chosen", actor(account), now)
        _tell_others(session, link, actor(account), now)
        session.flush()
        if before[1] is not None and before[1] != calendar.id:
            forget_calendar(session, before[1])
        if before[0] is not None and before[0] != grant_id:
            left = before[0]
        calendar_id = calendar.id
    if told:
        rt.wake.mail()
    if left is not None:
        release(rt, left)
    _fetch_at_once(rt, calendar_id)
    return calendar_id


def _fetch_at_once(rt: Runtime, calendar_id: UUID) -> None:
    """Show the events on the very next page; a fetch that fails here comes again by the queue."""
    if calendar_id not in sync_calendars(rt, [calendar_id], urgent=True).synced:
        rt.wake.sync([calendar_id], urgent=True)


def _take_grant(rt: Runtime, session: Session, link: Link, consent: Consent, now: datetime) -> bool:
    """Make the consent the link's grant: one grant a Google user and client, shared by links.

    Answers whether somebody is to be told that another link of the grant works again.
    """
    grant = session.scalar(
        sa.select(Grant).where(
            Grant.client_id == consent.client_id, Grant.subject == consent.subject
        )
    )
    if grant is None:
        grant = Grant(
            client_id=consent.client_id,
            subject=consent.subject,
            email=consent.email,
            created_at=now,
        )
        session.add(grant)
        session.flush()
    refresh, access = grant_tokens.consent_tokens(rt.store.keyring, consent)
    grant.email, grant.scopes = consent.email, consent.scopes
    grant.state, grant.ended_at, grant.checked_at = "live", None, now
    grant.consented_at = now
    grant_tokens.put_refresh_token(rt.store.keyring, grant, refresh)
    grant_tokens.put_access_token(rt.store.keyring, grant, access, consent.access_expires_at)
    link.grant_id = grant.id
    return _revive_siblings(session, link, grant, now)


def _revive_siblings(session: Session, link: Link, grant: Grant, now: datetime) -> bool:
    """A new consent mends every link that lost this same grant; answers whether that is told."""
    told = False
    rows = session.scalars(
        sa.select(Link).where(
            Link.grant_id == grant.id,
            Link.id != link.id,
            Link.state == LinkState.RECONNECT,
            Link.calendar_id.is_not(None),
        )
    )
    for other in rows:
        move(other, LinkAction.RECONNECT)
        told |= works_again(session, other, now)
        wants_attention(session, other, now)
        note(session, other, "reconnected", "system", now)
        _tell_others(session, other, "system", now)
        session.execute(
            sa.update(Calendar).where(Calendar.id == other.calendar_id).values(next_sync_at=now)
        )
    return told


def _tell_others(session: Session, link: Link, who: str, now: datetime) -> None:
    """A link that works: its reminders stop, and its request is linked."""
    from ..alarms import link_mended
    from ..onboarding.following import follow_link

    link_mended(session, link)
    follow_link(session, link, linked=True, who=who, now=now)


def reconnect_same(
    rt: Runtime, account: Account, link_id: UUID | str, *, session_key: str
) -> UUID | None:
    """After a reconnect with the same account: keep the calendar without asking again.

    Answers the calendar's id, or None where there is something to choose or to confirm.
    """
    with rt.store.begin() as session:
        link = scope.link(session, as_customer(account), link_id)
        consent = pending_consent(rt, session, account, link, session_key)
        kept = link.calendar.google_id if link.calendar else None
        same = consent and link.grant and link.grant.subject == consent.subject
    if not same or kept is None:
        return None
    try:
        return choose_calendar(rt, account, link_id, kept, session_key=session_key)
    except (CalendarVanished, TitlesUnreadable):
        return None


def _calendar(session: Session, grant_id: UUID, info: CalendarInfo, now: datetime) -> Calendar:
    calendar = session.scalar(
        sa.select(Calendar).where(Calendar.grant_id == grant_id, Calendar.google_id == info.id)
    )
    if calendar is None:
        calendar = Calendar(grant_id=grant_id, google_id=info.id)
        session.add(calendar)
    calendar.name, calendar.time_zone = info.name[:1024], info.time_zone
    calendar.access_role, calendar.owner = info.access_role, info.owner
    calendar.gone_at, calendar.failures, calendar.last_error = None, 0, None
    calendar.next_sync_at = now
    session.flush()
    return calendar
