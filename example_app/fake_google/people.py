"""New people and calendars of the local Google."""

from __future__ import annotations

import hashlib

from .model import Account, Calendar
from .state import State


def new_account(state: State, email: str, name: str = "", zone: str = "") -> Account:
    """A person with a primary calendar; the `sub` follows from the address."""
    number = int(hashlib.sha256(email.encode()).hexdigest()[:16], 16)
    account = Account(
        email=email,
        sub=str(100_000_000_000_000_000_000 + number)[:21],
        name=name or email.partition("@")[0].replace(".", " ").title(),
        time_zone=zone or "Europe/Amsterdam",
    )
    state.save_account(account)
    new_calendar(state, account, account.email, account.email)
    return account


def new_calendar(
    state: State,
    owner: Account | None,
    calendar_id: str,
    summary: str,
    *,
    zone: str = "",
    acl: dict[str, str] | None = None,
    push: bool = True,
    description: str = "",
) -> Calendar:
    """A calendar, on the list of everybody who may see it; the owner's address owns it."""
    roles = dict(acl or {})
    if owner:
        roles[owner.email] = "owner"
    calendar = Calendar(
        id=calendar_id,
        summary=summary,
        time_zone=zone or (owner.time_zone if owner else "Europe/Amsterdam"),
        owner=owner.email if owner else "",
        acl=roles,
        push=push,
        description=description,
    )
    state.save_calendar(calendar)
    for email in roles:
        if reader := state.accounts.get(email):
            state.list_calendar(reader, calendar, primary=calendar_id == email)
    return calendar
