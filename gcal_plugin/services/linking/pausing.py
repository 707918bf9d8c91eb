"""Standing still for a while, the choices for a bad day, and taking a colleague's link over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from ...domain.destination import Kind
from ...domain.reasons import Reason
from ...ports import Account, Role
from ...store import scope
from ..access import actor, as_customer
from ..link_records import note, wants_attention
from ..runtime import Runtime
from .errors import BadFallback

STALE_CHOICES = ("keep", "stop", "fallback")


class PauseInPast(ValueError):
    """The pause would end before it begins."""


def pause(rt: Runtime, account: Account, link_id: UUID | str, until: datetime | None) -> None:
    """No forwards from now on, up to `until` (aware) or until resumed."""
    with rt.store.begin() as session:
        link = scope.link(session, as_customer(account), link_id)
        now = rt.store.now(session)
        if until is not None and until <= now:
            raise PauseInPast
        link.paused_at, link.paused_until = now, until
        note(session, link, "paused", actor(account), now)
        wants_attention(session, link, now)
        pbx, key = link.pbx, link.id
    rt.wake.switch(pbx, [key])


def resume(rt: Runtime, account: Account, link_id: UUID | str) -> None:
    """End a pause at once."""
    with rt.store.begin() as session:
        link = scope.link(session, as_customer(account), link_id)
        now = rt.store.now(session)
        link.paused_at = link.paused_until = None
        note(session, link, "resumed", actor(account), now)
        wants_attention(session, link, now)
        pbx, key = link.pbx, link.id
    rt.wake.switch(pbx, [key])


def set_precautions(
    rt: Runtime,
    account: Account,
    link_id: UUID | str,
    *,
    stale_choice: str,
    fallback_title: str,
    second_contact: str,
) -> None:
    """What should happen when the calendar cannot be read for long, and who is told besides.

    `fallback_title` is what the person typed; it obeys the same rules as a title. Raises
    `BadFallback`, or ValueError for an unknown choice.
    """
    if stale_choice not in STALE_CHOICES:
        raise ValueError(f"stale_choice must be one of {', '.join(STALE_CHOICES)}")
    from ...domain.policy import explain
    from ..guarding import line_context, policies

    with rt.store.begin() as session:
        link = scope.link(session, as_customer(account), link_id)
        now = rt.store.now(session)
        value = None
        if fallback_title.strip():
            verdict = explain(
                fallback_title.strip(),
                policies(rt, session, [link])[link.id],
                line_context(rt, session, link),
            )
            if not verdict.allowed:
                raise BadFallback(str(verdict.reason), verdict.suggestion)
            if (verdict.kind, verdict.value) == (Kind.EXTENSION, link.extension):
                raise BadFallback(Reason.OWN_NUMBER.value)
            value = verdict.value
        elif stale_choice == "fallback":
            raise BadFallback("missing")
        link.stale_choice, link.fallback_number = stale_choice, value
        link.second_contact = second_contact.strip() or None
        note(session, link, "precautions", actor(account), now)
        wants_attention(session, link, now)
        pbx, key = link.pbx, link.id
    rt.wake.switch(pbx, [key])


def take_over(rt: Runtime, account: Account, link_id: UUID | str) -> None:
    """The customer's administrator becomes the link's owner (the colleague left).

    The request behind it and the letters that still wait go along.
    """
    from ..onboarding.following import follow_owner

    if Role.CUSTOMER_ADMIN not in account.roles:
        raise scope.NotInReach("link")
    with rt.store.begin() as session:
        link = scope.link(session, as_customer(account), link_id)
        now = rt.store.now(session)
        before, link.account_id = link.account_id, account.id
        link.holder_asked_at = link.holder_fault = link.holder_lost_at = None
        note(session, link, "taken_over", actor(account), now)
        if before != account.id:
            follow_owner(session, link, account, before=before, now=now)
