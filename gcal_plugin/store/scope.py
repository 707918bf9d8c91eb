"""Whose rows somebody may see: the one place where queries are narrowed to tenant and account.

Pages and services start every look-up by id here. What is out of reach and what does not exist
are told apart by nobody: both raise `NotInReach`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from .tables import Audit, Link, MailOut, PriceTemplate, Request


class NotInReach(LookupError):
    """No such row, or none that this person may know of."""


class Reach(StrEnum):
    """How far somebody sees."""

    OWN = "own"
    """Their own links."""
    CUSTOMER = "customer"
    """All links of their customer (the domain on the exchange)."""
    TENANT = "tenant"
    """All links of the reseller."""
    ALL = "all"
    """Every tenant's."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The part of an account that decides what its owner may see."""

    tenant_id: str
    account_id: str
    domain: str = ""
    reach: Reach = Reach.OWN


def _narrow(viewer: Viewer, table: type[Link] | type[Request]) -> list[sa.ColumnElement[bool]]:
    if viewer.reach is Reach.ALL:
        return []
    terms = [table.tenant_id == viewer.tenant_id]
    if viewer.reach is Reach.OWN:
        terms.append(table.account_id == viewer.account_id)
    elif viewer.reach is Reach.CUSTOMER:
        mine = table.account_id == viewer.account_id
        terms.append(sa.or_(mine, table.domain == viewer.domain) if viewer.domain else mine)
    return terms


def links(viewer: Viewer) -> sa.Select[Link]:
    """The live links within reach, with grant and calendar, in the order of their extensions."""
    return (
        sa.select(Link)
        .where(*_narrow(viewer, Link), Link.ended_at.is_(None))
        .options(joinedload(Link.grant), joinedload(Link.calendar))
        .order_by(Link.domain, Link.extension)
    )


def link(session: Session, viewer: Viewer, link_id: UUID | str) -> Link:
    """One link within reach, ended ones too; raises `NotInReach`."""
    found = session.scalar(
        sa.select(Link)
        .where(*_narrow(viewer, Link), Link.id == _uuid(link_id))
        .options(joinedload(Link.grant), joinedload(Link.calendar))
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotInReach("link")
    return found


def requests(viewer: Viewer) -> sa.Select[Request]:
    """The requests within reach, the newest first."""
    return sa.select(Request).where(*_narrow(viewer, Request)).order_by(Request.created_at.desc())


def request(session: Session, viewer: Viewer, request_id: UUID | str) -> Request:
    """One request within reach; raises `NotInReach`."""
    found = session.scalar(
        sa.select(Request)
        .where(*_narrow(viewer, Request), Request.id == _uuid(request_id))
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotInReach("request")
    return found


Staff = type[MailOut] | type[PriceTemplate] | type[Audit]


def _of_tenant(viewer: Viewer, table: Staff) -> sa.ColumnElement[bool]:
    """What only the tenant's staff sees; nothing at all for customers."""
    if viewer.reach is Reach.ALL:
        return sa.true()
    if viewer.reach is Reach.TENANT:
        return table.tenant_id == viewer.tenant_id
    return sa.false()


def mails(viewer: Viewer) -> sa.Select[MailOut]:
    """The letters of the desk's tenant."""
    return sa.select(MailOut).where(_of_tenant(viewer, MailOut))


def price_templates(viewer: Viewer) -> sa.Select[PriceTemplate]:
    """The price templates of the desk's tenant, by name."""
    return (
        sa.select(PriceTemplate)
        .where(_of_tenant(viewer, PriceTemplate))
        .order_by(PriceTemplate.name)
    )


def audit(viewer: Viewer) -> sa.Select[Audit]:
    """The audit log of the desk's tenant, in the order of what happened."""
    return sa.select(Audit).where(_of_tenant(viewer, Audit)).order_by(Audit.id)


def _uuid(value: UUID | str) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except ValueError:
        raise NotInReach("id") from None
