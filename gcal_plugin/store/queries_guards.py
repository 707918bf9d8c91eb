"""What the guards ask of the database: kill switches, blocked numbers, who targets a number."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .tables import BlockedNumber, Forwarding, Link, TenantState, WindowRow

EVERY_TENANT = ""
"""The tenant of a block that an operator set for all of them."""


def tenant_states(session: Session, tenant_ids: Collection[str]) -> dict[str, TenantState]:
    """The states of these tenants; a tenant without a row was never touched."""
    if not tenant_ids:
        return {}
    rows = session.scalars(sa.select(TenantState).where(TenantState.tenant_id.in_(tenant_ids)))
    return {row.tenant_id: row for row in rows}


def blocked_values(session: Session, tenant_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """The blocked numbers (E.164) that hold for each tenant, those for every tenant included."""
    scopes = {EVERY_TENANT, *tenant_ids}
    found: dict[str, set[str]] = {scope: set() for scope in scopes}
    rows = session.execute(
        sa.select(BlockedNumber.tenant_id, BlockedNumber.value).where(
            BlockedNumber.tenant_id.in_(scopes)
        )
    )
    for tenant_id, value in rows:
        found[tenant_id].add(value)
    everywhere = found[EVERY_TENANT]
    return {tenant_id: frozenset(found[tenant_id] | everywhere) for tenant_id in tenant_ids}


def links_of_tenant(session: Session, tenant_id: str) -> list[tuple[UUID, str]]:
    """Every link of a tenant that has not ended, as (id, pbx)."""
    rows = session.execute(
        sa.select(Link.id, Link.pbx).where(Link.tenant_id == tenant_id, Link.ended_at.is_(None))
    )
    return [(link_id, pbx) for link_id, pbx in rows]


def lines_of_tenant(session: Session, tenant_id: str) -> tuple[int, int]:
    """How many links a tenant has that have not ended, and on how many a forward stands."""
    live = [Link.tenant_id == tenant_id, Link.ended_at.is_(None)]
    lines = session.scalar(sa.select(sa.func.count()).select_from(Link).where(*live)) or 0
    held = sa.cast(Forwarding.observed, sa.Text).not_in(("[]", "null"))
    forwarding = session.scalar(
        sa.select(sa.func.count())
        .select_from(Forwarding)
        .join(Link, Link.id == Forwarding.link_id)
        .where(*live, Forwarding.observed.is_not(None), held)
    )
    return lines, forwarding or 0


def links_towards(
    session: Session, value: str, now: datetime, tenant_id: str = EVERY_TENANT
) -> list[tuple[UUID, str]]:
    """Links, as (id, pbx), that forward to a number, will, or fall back to it.

    Coming windows count too: a plan that the exchange already holds may name the number.
    """
    quoted = f'%"{value}"%'
    forwards_now = sa.select(Forwarding.link_id).where(
        sa.or_(
            sa.cast(Forwarding.desired, sa.Text).like(quoted),
            sa.cast(Forwarding.observed, sa.Text).like(quoted),
        )
    )
    calendars = sa.select(WindowRow.calendar_id).where(
        WindowRow.value == value, WindowRow.replaced_at.is_(None), WindowRow.end_at > now
    )
    query = sa.select(Link.id, Link.pbx).where(
        Link.ended_at.is_(None),
        sa.or_(
            Link.id.in_(forwards_now),
            Link.calendar_id.in_(calendars),
            Link.fallback_number == value,
        ),
    )
    if tenant_id != EVERY_TENANT:
        query = query.where(Link.tenant_id == tenant_id)
    return [(link_id, pbx) for link_id, pbx in session.execute(query)]


def by_pbx(links: Iterable[tuple[UUID, str]]) -> dict[str, list[UUID]]:
    """(id, pbx) pairs as one list of ids for each exchange."""
    grouped: dict[str, list[UUID]] = {}
    for link_id, pbx in links:
        grouped.setdefault(pbx, []).append(link_id)
    return grouped
