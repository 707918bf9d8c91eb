"""What the lines of an exchange want at once, so that forwards which lead back can be told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .queries_switching import Pairs, chunks
from .tables import Forwarding


@dataclass(frozen=True, slots=True)
class Wish:
    """One line: what it wants, and what of that was refused since calls would go round."""

    link_id: UUID
    domain: str
    extension: str
    wanted: Pairs
    in_ring: Pairs
    failures: int


def look_alone(session: Session, pbx: str, link_id: UUID) -> None:
    """Wait until nobody else looks at this exchange's wishes; holds until the transaction ends.

    It has to be the first statement of its transaction: what is read behind it is then what the
    one before us left.
    """
    if session.get_bind().dialect.name == "postgresql":
        key = sa.func.hashtextextended(f"gcal:rings:{pbx}", 0)
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
        return
    # SQLite has one writer: a write that changes nothing makes us the one.
    session.execute(
        sa.update(Forwarding)
        .where(Forwarding.link_id == link_id)
        .values(failures=Forwarding.failures)
        .execution_options(synchronize_session=False)
    )


def wishes(session: Session, pbx: str, domains: Collection[str]) -> list[Wish]:
    """The wishes of every line of these domains."""
    columns = [getattr(Forwarding, name) for name in Wish.__dataclass_fields__]
    found: list[Wish] = []
    for part in chunks(sorted(domains)):
        query = sa.select(*columns).where(Forwarding.pbx == pbx, Forwarding.domain.in_(part))
        found += [Wish(*row) for row in session.execute(query)]
    return found


def note(session: Session, link_id: UUID, generation: int, wanted: Pairs, in_ring: Pairs) -> None:
    """Store a line's wish, unless somebody took the line over since it was claimed."""
    session.execute(
        sa.update(Forwarding)
        .where(Forwarding.link_id == link_id, Forwarding.generation == generation)
        .values(wanted=wanted, in_ring=in_ring)
        .execution_options(synchronize_session=False)
    )
