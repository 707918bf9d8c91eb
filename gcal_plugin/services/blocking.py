"""Numbers whose owner asked to be left alone: nobody's calls are forwarded to them any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ..domain.destination import Kind, read_title
from ..store import queries_guards
from ..store.queries_guards import EVERY_TENANT
from ..store.queries_switching import mark_due
from ..store.tables import BlockedNumber
from .guarding import audit, wake
from .runtime import Runtime


class NotANumber(ValueError):
    """What was typed is no telephone number. `reason` and `suggestion` say what is wrong."""

    def __init__(self, typed: str, reason: str, suggestion: str | None) -> None:
        super().__init__(f"{typed!r} is not a telephone number ({reason})")
        self.reason = reason
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Blocked:
    """A blocked number as the desk lists it."""

    value: str
    at: datetime
    by: str
    note: str
    everywhere: bool


def canonical(typed: str) -> str:
    """A number as typed, in E.164; raises NotANumber. Whether it may be dialled does not matter."""
    reading = read_title(typed)
    if reading.kind is not Kind.NUMBER or reading.value is None:
        raise NotANumber(typed, str(reading.reason or "ordinary_text"), reading.suggestion)
    return reading.value


def block_number(
    rt: Runtime, typed: str, *, actor: str, tenant_id: str = EVERY_TENANT, note: str = ""
) -> str:
    """Refuse a number as a destination from now on, for one tenant or for all; answers E.164.

    Lines that forward there, or are going to, become due at once. Repeating changes nothing.
    """
    value = canonical(typed)
    _change(rt, value, actor=actor, tenant_id=tenant_id, note=note, block=True)
    return value


def unblock_number(rt: Runtime, typed: str, *, actor: str, tenant_id: str = EVERY_TENANT) -> str:
    """Allow a number again; answers E.164. LookupError where it was not blocked."""
    value = canonical(typed)
    _change(rt, value, actor=actor, tenant_id=tenant_id, note="", block=False)
    return value


def blocked_numbers(rt: Runtime, tenant_id: str) -> list[Blocked]:
    """What is blocked for a tenant, newest first, those blocked for every tenant included."""
    with rt.store.begin() as session:
        rows = session.scalars(
            sa.select(BlockedNumber)
            .where(BlockedNumber.tenant_id.in_({EVERY_TENANT, tenant_id}))
            .order_by(BlockedNumber.at.desc())
        )
        return [
            Blocked(row.value, row.at, row.by, row.note, row.tenant_id == EVERY_TENANT)
            for row in rows
        ]


def _change(rt: Runtime, value: str, *, actor: str, tenant_id: str, note: str, block: bool) -> None:
    with rt.store.begin() as session:
        now = rt.store.now(session)
        held = session.get(BlockedNumber, (value, tenant_id))
        if block and held is None:
            session.add(
                BlockedNumber(value=value, tenant_id=tenant_id, at=now, by=actor, note=note[:255])
            )
        elif not block:
            if held is None:
                raise LookupError(f"{value} is not blocked")
            session.delete(held)
        links = queries_guards.links_towards(session, value, now, tenant_id)
        mark_due(session, [link_id for link_id, _ in links], now)
        # The number is somebody's: the audit tells that it happened, the table tells which.
        audit(
            session, actor, "block" if block else "unblock", "number", tenant_id, lines=len(links)
        )
    wake(rt, links)
