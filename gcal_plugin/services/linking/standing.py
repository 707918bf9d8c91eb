"""A forward that the extension has already when it is linked: shown, asked about, kept or replaced.

It is asked once, when the link is made. Whatever is set by hand afterwards is the customer's own
and is left alone (`switching.sweep`), so that choosing another calendar or connecting again asks
nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from ...domain.destination import Destination
from ...ports import Applied
from ...ports.telephony import Line
from ...store.tables import Link
from ..link_records import note
from ..runtime import Runtime
from .errors import ForwardExists

_NONE: frozenset[Destination] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands on the exchange that is not ours, as far as it is to be asked about."""

    destinations: frozenset[Destination] = _NONE
    known: bool = True
    """False where the exchange does not answer, or cannot tell what an extension has."""
    held: Applied | None = None
    """The whole answer of the exchange; None where nothing is to be decided by it."""


def standing_forward(rt: Runtime, link_id: UUID) -> Standing:
    """What the extension forwards to without us; nothing for a link that was made before.

    An exchange that is away must not keep somebody from linking: what stands there is kept then,
    since the first write reads before it replaces anything.
    """
    from ..switching import foreign_part, read_existing

    with rt.store.begin() as session:
        link = session.get_one(Link, link_id)
        made, pbx, line = link.linked_at is not None, link.pbx, Line(link.domain, link.extension)
    exchange = rt.telephony.get(pbx)
    if made or (exchange is not None and exchange.capabilities.mode == "pull"):
        # An exchange that asks us at each call goes its own way where we name nobody.
        return Standing()
    held = read_existing(rt, pbx, line) if exchange is not None else None
    if held is None:
        return Standing(known=False)
    with rt.store.begin() as session:
        return Standing(foreign_part(session, link_id, held), held=held)


def answered(
    found: Standing, replace_forward: bool | None, seen_forward: Collection[str] | None
) -> None:
    """Raise `ForwardExists` unless the person decided about what stands there now.

    `seen_forward` holds the destinations that the person saw; None trusts the answer as it is.
    """
    if not found.destinations:
        return
    now = {one.value for one in found.destinations}
    if replace_forward is None or (seen_forward is not None and set(seen_forward) != now):
        raise ForwardExists(found.destinations)


def settle(
    session: Session, link: Link, found: Standing, who: str, now: datetime, *, replace: bool
) -> None:
    """Record the decision in the transaction that makes the link and marks its line due."""
    from ..switching import decide_existing

    if found.held is None:
        return
    # Decided also where nothing stands: what was noted earlier may be gone since.
    if decide_existing(session, link.id, found.held, now, keep=not replace):
        note(session, link, "forward_replaced" if replace else "forward_kept", who, now)
