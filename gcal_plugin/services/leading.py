"""Which of several clocks acts: a lease with a heartbeat, by the database's time."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ..store.tables import Lease
from .runtime import Runtime

TERM = timedelta(seconds=8)
"""How long a leader may be silent; another takes over within ten seconds."""


def lead(rt: Runtime, name: str, holder: str, *, term: timedelta = TERM) -> bool:
    """Take or keep the lease; whether `holder` has it now."""
    with rt.store.begin() as session:
        now = rt.store.now(session)
        taken = session.execute(
            sa.update(Lease)
            .where(Lease.name == name, sa.or_(Lease.holder == holder, Lease.until <= now))
            .values(holder=holder, until=now + term, beat_at=now)
            .returning(Lease.holder)
            .execution_options(synchronize_session=False)
        ).first()
        if taken is not None:
            return True
        known = session.scalar(sa.select(sa.literal(1)).where(Lease.name == name))
    return False if known else _first(rt, name, holder, term)


def _first(rt: Runtime, name: str, holder: str, term: timedelta) -> bool:
    try:
        with rt.store.begin() as session:
            now = rt.store.now(session)
            session.add(Lease(name=name, holder=holder, until=now + term, beat_at=now))
    except IntegrityError:
        return False  # somebody else was first
    return True


def resign(rt: Runtime, name: str, holder: str) -> None:
    """Give the lease back, so that another takes over at once."""
    with rt.store.begin() as session:
        now = rt.store.now(session)
        session.execute(
            sa.update(Lease)
            .where(Lease.name == name, Lease.holder == holder)
            .values(until=now)
            .execution_options(synchronize_session=False)
        )


def last_beat(rt: Runtime, name: str) -> tuple[datetime, timedelta] | None:
    """When the leader was last heard of, and how long ago; None where there never was one."""
    with rt.store.begin() as session:
        beat = session.scalar(sa.select(Lease.beat_at).where(Lease.name == name))
        return None if beat is None else (beat, rt.store.now(session) - beat)
