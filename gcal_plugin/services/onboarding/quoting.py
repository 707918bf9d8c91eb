"""The quote: made by support, agreed to or declined by the customer, expired by the clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm.exc import StaleDataError

from ...domain.request_state import RequestAction, RequestState, Role
from ...ports import Account
from ...store.tables import Request
from .. import outbox
from ..access import SYSTEM, actor, as_customer
from ..runtime import Runtime
from .errors import ChangedMeanwhile, NotPossible, QuoteExpired, WrongFields
from .fields import Fields
from .mailing import to_customer, to_desk
from .records import Change, changing, desk_of, done_already, take

REMIND_BEFORE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Offer:
    """A quote as typed into the desk's form."""

    once: str
    monthly: str
    valid_until: str
    vat: str = "21"
    summary: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Read:
    once: Decimal
    monthly: Decimal
    vat: Decimal
    valid_until: datetime
    summary: str
    note: str


def make_quote(
    rt: Runtime, account: Account, request_id: UUID | str, version: int | None, offer: Offer
) -> None:
    """Offer a price, also again after a decline or an expiry; WrongFields has all faults."""
    with changing(rt, desk_of(account), request_id, version) as change:
        row = change.row
        tenant = rt.portal.tenant(row.tenant_id)
        zone = ZoneInfo(tenant.time_zone if tenant else "Europe/Amsterdam")
        read = _read(offer, change.now, zone)
        row.once_price, row.monthly_price, row.vat_percent = read.once, read.monthly, read.vat
        row.valid_until, row.summary, row.note = read.valid_until, read.summary, read.note
        row.rate_text = tenant.rate_text if tenant else ""
        row.quotes += 1
        row.terms_version = row.agreed_at = None
        row.handler = row.handler or account.id
        take(
            change,
            RequestAction.QUOTE,
            Role.SUPPORT,
            actor(account),
            once=str(read.once),
            monthly=str(read.monthly),
            vat=str(read.vat),
            valid_until=read.valid_until.isoformat(),
            quote=row.quotes,
        )
        # Of two quotes that did not go out yet, only the one that stands.
        outbox.cancel_of_request(change.session, row.id, "quote", "quote_reminder")
        to_customer(rt, change, "quote", row.quotes, note=row.note or "")
    rt.wake.mail()


def agree(
    rt: Runtime, account: Account, request_id: UUID | str, version: int | None, *, quote: int
) -> None:
    """Agree to the quote that was read (`quote` is its number); the terms' version is recorded.

    Raises ChangedMeanwhile where a newer quote was made, QuoteExpired past its last day. A second
    click by the same person changes nothing and is fine.
    """
    with _once(rt, account, request_id, RequestAction.AGREE, quote):
        _agree(rt, account, request_id, version, quote)


def decline(
    rt: Runtime,
    account: Account,
    request_id: UUID | str,
    version: int | None,
    *,
    quote: int,
    why: str = "",
) -> None:
    """Decline the quote that was read; support may make another. A second click is fine."""
    fields = Fields()
    reason = fields.lines("why", why)
    if fields.faults:
        raise WrongFields(fields.faults)
    with _once(rt, account, request_id, RequestAction.DECLINE, quote):
        _decline(rt, account, request_id, version, quote, reason)


@contextmanager
def _once(
    rt: Runtime, account: Account, request_id: UUID | str, action: RequestAction, quote: int
) -> Iterator[None]:
    """Take what is refused because the same person did just this for done."""
    try:
        yield
    except (ChangedMeanwhile, NotPossible):
        who = actor(account)
        if not done_already(rt, as_customer(account), request_id, action, who, quote=quote):
            raise


def _agree(
    rt: Runtime, account: Account, request_id: UUID | str, version: int | None, quote: int
) -> None:
    with changing(rt, as_customer(account), request_id, version) as change:
        row = change.row
        if row.state == RequestState.QUOTED and row.quotes != quote:
            raise ChangedMeanwhile
        if row.state == RequestState.QUOTED and _is_over(row, change.now):
            raise QuoteExpired
        tenant = rt.portal.tenant(row.tenant_id)
        row.terms_version = tenant.terms_version if tenant else "1"
        row.agreed_at = change.now
        take(
            change,
            RequestAction.AGREE,
            Role.CUSTOMER,
            actor(account),
            terms=row.terms_version,
            quote=row.quotes,
        )
        outbox.cancel_of_request(change.session, row.id, "quote_reminder")
        terms_url = tenant.terms_url if tenant else ""
        to_customer(rt, change, "agreed", row.quotes, terms_url=terms_url)
        to_desk(rt, change, "agreed_desk", row.quotes)
    rt.wake.mail()


def _decline(
    rt: Runtime,
    account: Account,
    request_id: UUID | str,
    version: int | None,
    quote: int,
    reason: str,
) -> None:
    with changing(rt, as_customer(account), request_id, version) as change:
        if change.row.state == RequestState.QUOTED and change.row.quotes != quote:
            raise ChangedMeanwhile
        take(
            change,
            RequestAction.DECLINE,
            Role.CUSTOMER,
            actor(account),
            quote=change.row.quotes,
            why=reason,
        )
        outbox.cancel_of_request(change.session, change.row.id, "quote_reminder")
        to_customer(rt, change, "declined", change.row.quotes)
        to_desk(rt, change, "declined_desk", change.row.quotes, why=reason)
    rt.wake.mail()


def expire_quotes(rt: Runtime) -> int:
    """Close the quotes whose last day has passed; answers how many. Run by the clock."""
    return sum(_expire(rt, request_id) for request_id in _quoted(rt, _PASSED))


def remind(rt: Runtime) -> int:
    """Write to customers whose quote ends within three days, once a quote. Run by the clock.

    A quote that was valid for less than that from the beginning gets no reminder.
    """
    count = 0
    for request_id in _quoted(rt, REMIND_BEFORE):
        with rt.store.begin() as session:
            row = session.get(Request, request_id)
            now = rt.store.now(session)
            if row is None or row.state != RequestState.QUOTED or _is_over(row, now):
                continue
            if row.valid_until is None or row.valid_until - row.changed_at < REMIND_BEFORE:
                # Made within these days: the quote itself is the reminder.
                continue
            to_customer(rt, Change(session, row, now), "quote_reminder", row.quotes)
            count += 1
    if count:
        rt.wake.mail()
    return count


_PASSED = timedelta(0)


def _quoted(rt: Runtime, within: timedelta) -> list[UUID]:
    """Quoted requests whose quote ends within a time from now."""
    with rt.store.begin() as session:
        until = rt.store.now(session) + within
        return list(
            session.scalars(
                sa.select(Request.id).where(
                    Request.state == RequestState.QUOTED.value, Request.valid_until < until
                )
            )
        )


def _expire(rt: Runtime, request_id: UUID) -> bool:
    """Expire one quote; False where somebody took another step first."""
    try:
        with rt.store.begin() as session:
            row = session.get(Request, request_id, populate_existing=True)
            now = rt.store.now(session)
            if row is None or row.state != RequestState.QUOTED or not _is_over(row, now):
                return False
            take(Change(session, row, now), RequestAction.EXPIRE, Role.SYSTEM, SYSTEM)
    except StaleDataError:
        return False
    return True


def _is_over(row: Request, now: datetime) -> bool:
    return row.valid_until is not None and row.valid_until < now


def _read(offer: Offer, now: datetime, zone: ZoneInfo) -> _Read:
    fields = Fields()
    read = _Read(
        once=fields.price("once", offer.once),
        monthly=fields.price("monthly", offer.monthly),
        vat=fields.percent("vat", offer.vat),
        valid_until=fields.last_day("valid_until", offer.valid_until, now=now, zone=zone),
        summary=fields.lines("summary", offer.summary),
        note=fields.lines("note", offer.note),
    )
    if fields.faults:
        raise WrongFields(fields.faults)
    return read


def faults_of(error: WrongFields | NotPossible) -> Mapping[str, str]:
    """The faults by field, for a form; a refused step is a fault of the whole form."""
    return error.faults if isinstance(error, WrongFields) else {"": error.code}
