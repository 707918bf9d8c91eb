"""A customer to another exchange, an extension renumbered: the new set before the old is cleared.

Each link moves by itself in steps that can be repeated, so that a move which was cut short is
finished by running it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ..domain.destination import Destination
from ..ports import ForeignForward, Telephony, TelephonyError
from ..ports.telephony import Line
from ..store.tables import Forwarding, Leftover, Link
from .access import SYSTEM
from .link_records import note
from .linking.provision import live_link
from .runtime import Runtime


@dataclass(frozen=True, slots=True)
class Move:
    """One link's way from one line to another."""

    link_id: UUID
    from_pbx: str
    from_line: Line
    to_pbx: str
    to_line: Line


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one move. `error` is empty when it is done."""

    move: Move
    error: str = ""
    old_cleared: bool = True


def plan_move(
    rt: Runtime,
    *,
    tenant_id: str,
    domain: str,
    to_pbx: str | None = None,
    to_domain: str | None = None,
    renumber: dict[str, str] | None = None,
    extension: str | None = None,
) -> list[Move]:
    """The moves that are still to be made; an empty list means that all is where it should be.

    Raises LookupError for an unknown exchange, ValueError where two links would get one line.
    """
    if to_pbx is not None and to_pbx not in rt.telephony:
        raise LookupError(f"GCAL_TELEPHONY has no exchange {to_pbx}")
    renumber = renumber or {}
    with rt.store.begin() as session:
        query = sa.select(Link).where(
            Link.tenant_id == tenant_id, Link.domain == domain, Link.ended_at.is_(None)
        )
        if extension is not None:
            query = query.where(Link.extension == extension)
        moves = [
            Move(
                link.id,
                link.pbx,
                Line(link.domain, link.extension),
                to_pbx or link.pbx,
                Line(to_domain or link.domain, renumber.get(link.extension, link.extension)),
            )
            for link in session.scalars(query.order_by(Link.extension))
        ]
        _refuse_clashes(session.scalars(sa.select(Link).where(Link.ended_at.is_(None))), moves)
    return [one for one in moves if (one.from_pbx, one.from_line) != (one.to_pbx, one.to_line)]


def _refuse_clashes(links: sa.ScalarResult[Link], moves: Sequence[Move]) -> None:
    moving = {one.link_id for one in moves}
    taken = {(x.pbx, x.domain, x.extension) for x in links if x.id not in moving}
    for one in moves:
        target = (one.to_pbx, *one.to_line)
        if target in taken:
            raise ValueError(f"{one.to_line.extension} on {one.to_pbx} would be driven twice")
        taken.add(target)


def carry_out(rt: Runtime, move: Move) -> Moved:
    """Make one move: the new line gets today's set, the link changes over, the old is cleared."""
    new = rt.telephony[move.to_pbx]
    with rt.store.begin() as session:
        row = session.get_one(Forwarding, move.link_id)
        ours, revision = list(row.observed or []), row.revision
        # Where the old exchange holds a plan, any of its windows may ring there by now.
        planned = [[kind, value] for _, _, kind, value in row.plan or []]
        left = ours + [one for one in planned if one not in ours]
        held_plan = row.plan_until is not None
    wanted = frozenset(Destination.parse(value) for _, value in ours)
    try:
        held = new.read(move.to_line).revision if new.capabilities.read_back else 0
        applied = new.replace(move.to_line, wanted, revision=max(revision, held) + 1)
    except TelephonyError as error:
        return Moved(move, error=f"{move.to_pbx}: {error}", old_cleared=False)
    _change_over(rt, move, left if ours or held_plan else None, applied.revision)
    faults = clear_leftovers(rt, move.from_pbx, move.from_line)
    return Moved(move, error=faults[0] if faults else "", old_cleared=not faults)


def _change_over(rt: Runtime, move: Move, left: list[Any] | None, revision: int) -> None:
    """The link's rows name the new line; what must still be cleared is kept beside them."""
    with rt.store.begin() as session:
        link = session.get_one(Link, move.link_id)
        now = rt.store.now(session)
        link.pbx, link.domain, link.extension = move.to_pbx, *move.to_line
        values = {
            "pbx": move.to_pbx,
            "domain": move.to_line.domain,
            "extension": move.to_line.extension,
            "generation": Forwarding.generation + 1,
            "revision": revision,
            "observed_revision": revision,
            "due_at": now,
            "plan": None,
            "plan_until": None,
        }
        session.execute(
            sa.update(Forwarding).where(Forwarding.link_id == move.link_id).values(**values)
        )
        if left is not None:
            session.merge(
                Leftover(
                    pbx=move.from_pbx,
                    domain=move.from_line.domain,
                    extension=move.from_line.extension,
                    destinations=left,
                    since=now,
                )
            )
        note(session, link, "moved", SYSTEM, now)


def leftovers(rt: Runtime) -> list[tuple[str, Line]]:
    """The lines (exchange, line) that moves have left something on which is not cleared yet."""
    with rt.store.begin() as session:
        rows = session.scalars(sa.select(Leftover).order_by(Leftover.since)).all()
        return [(row.pbx, Line(row.domain, row.extension)) for row in rows]


def clear_leftovers(rt: Runtime, pbx: str | None = None, line: Line | None = None) -> list[str]:
    """Clear our forwards that stand on lines which were moved away from; answers the faults.

    A line that another link drives by now, or that holds something else than ours, is let be.
    """
    with rt.store.begin() as session:
        query = sa.select(Leftover)
        if pbx is not None and line is not None:
            query = query.where(
                Leftover.pbx == pbx,
                Leftover.domain == line.domain,
                Leftover.extension == line.extension,
            )
        rows = session.scalars(query).all()
        taken = {
            (row.pbx, row.domain, row.extension)
            for row in rows
            if live_link(session, row.pbx, row.domain, row.extension) is not None
        }
    faults = []
    for row in rows:
        key = (row.pbx, row.domain, row.extension)
        try:
            if key not in taken and row.pbx in rt.telephony:
                _clear(rt.telephony[row.pbx], Line(row.domain, row.extension), row.destinations)
        except TelephonyError as error:
            faults.append(f"{row.pbx}: {error}")
            continue
        with rt.store.begin() as session:
            session.execute(
                sa.delete(Leftover).where(
                    Leftover.pbx == row.pbx,
                    Leftover.domain == row.domain,
                    Leftover.extension == row.extension,
                )
            )
    return faults


def _clear(exchange: Telephony, line: Line, ours: list[Any]) -> None:
    if exchange.capabilities.mode == "pull":
        return  # it asks, and hears of no forward there any more
    try:
        held = exchange.read(line)
    except ForeignForward:
        return  # its owner's, so nothing of ours stands there any more
    if held.destinations <= {Destination.parse(value) for _, value in ours}:
        exchange.replace(line, frozenset(), revision=held.revision + 1)
