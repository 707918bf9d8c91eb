"""Trying a link out: access, calendar and exchange each by itself, and a forward of one minute."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ..domain.policy import explain
from ..ports import Account, CalendarError, GrantRevoked, Line, TelephonyError
from ..store import scope
from ..store.tables import Forwarding, Link
from . import guarding, switching
from .access import actor, as_customer
from .link_records import note
from .runtime import Runtime

TRIAL_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Tick:
    """One part that was tried; `detail` is a fact or the other side's words."""

    part: str
    """`grant`, `calendar` or `exchange`."""
    ok: bool
    detail: str = ""
    permanent: bool = False
    """Trying again will not mend it."""


class TrialRefused(Exception):
    """The trial did not start; `code` is `busy`, `not_linked`, `unsupported` or a policy reason."""

    def __init__(self, code: str, suggestion: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.suggestion = suggestion


def try_link(rt: Runtime, account: Account, link_id: UUID | str) -> tuple[Tick, ...]:
    """Try each part, changing nothing; a part that needs an earlier one is tried all the same."""
    with rt.store.begin() as session:
        link = scope.link(session, as_customer(account), link_id)
        grant_id = link.grant_id
        google_id = link.calendar.google_id if link.calendar else ""
        pbx, line = link.pbx, Line(link.domain, link.extension)
    return (*_try_google(rt, grant_id, google_id), _try_exchange(rt, pbx, line))


def _try_google(rt: Runtime, grant_id: UUID | None, google_id: str) -> tuple[Tick, Tick]:
    from .grants import access_token

    if grant_id is None:
        return Tick("grant", False, "", True), Tick("calendar", False, "", True)
    try:
        token = access_token(rt, grant_id)
        calendars = rt.calendars.calendars(token)
    except GrantRevoked:
        return Tick("grant", False, "revoked", True), Tick("calendar", False)
    except CalendarError as error:
        return Tick("grant", False, error.reason or str(error)), Tick("calendar", False)
    found = next((one for one in calendars if one.id == google_id), None)
    readable = found is not None and found.titles_readable
    return (
        Tick("grant", True),
        Tick("calendar", readable, found.name if found else "", permanent=not readable),
    )


def _try_exchange(rt: Runtime, pbx: str, line: Line) -> Tick:
    exchange = rt.telephony[pbx]
    try:
        health = exchange.check()
        if health.ok and exchange.capabilities.read_back and exchange.capabilities.mode == "push":
            exchange.read(line)
    except TelephonyError as error:
        return Tick("exchange", False, str(error), error.permanent)
    return Tick("exchange", health.ok, health.detail)


def start_trial(rt: Runtime, account: Account, link_id: UUID | str, title: str) -> bool:
    """Forward to what was typed for a minute; it ends by itself. Raises TrialRefused.

    Answers False where the exchange did not take it yet.
    """
    with rt.store.begin() as session:
        link = scope.link(session, as_customer(account), link_id)
        _may_try(session.get(Forwarding, link.id), link)
        verdict = explain(
            title,
            guarding.policies(rt, session, [link])[link.id],
            guarding.line_context(rt, session, link),
        )
        destination = verdict.destination
        if destination is None:
            raise TrialRefused(str(verdict.reason), verdict.suggestion)
        note(session, link, "trial", actor(account), rt.store.now(session))
        key = link.id
    return switching.trial(rt, key, destination, TRIAL_SECONDS)


def _may_try(forwarding: Forwarding | None, link: Link) -> None:
    if link.calendar_id is None or link.ended_at is not None:
        raise TrialRefused("not_linked")
    if forwarding is not None and forwarding.desired:
        raise TrialRefused("busy")
