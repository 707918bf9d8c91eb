"""Forwards that would send calls round, on exchanges that chain them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.policy import find_loops
from ...domain.reasons import Reason
from ...store.queries_switching import chunks
from ...store.tables import Forwarding
from .model import Intent, Set, set_of


def without_loops(session: Session, intents: Sequence[Intent]) -> None:
    """Take destinations out that lead back to the line, through the other lines of its domain."""
    by_domain: dict[tuple[str, str], dict[str, Set]] = {}
    domains = {(intent.claim.pbx, intent.claim.domain) for intent in intents}
    for part in chunks(domains):
        rows = session.execute(
            sa.select(
                Forwarding.pbx, Forwarding.domain, Forwarding.extension, Forwarding.desired
            ).where(sa.tuple_(Forwarding.pbx, Forwarding.domain).in_(part))
        )
        for pbx, domain, extension, desired in rows:
            by_domain.setdefault((pbx, domain), {})[extension] = set_of(desired)
    for intent in intents:
        known = by_domain.setdefault((intent.claim.pbx, intent.claim.domain), {})
        known[intent.claim.extension] = frozenset(intent.ours)
    loops = {domain: find_loops(known) for domain, known in by_domain.items()}
    for intent in intents:
        round_trip = loops[intent.claim.pbx, intent.claim.domain].get(
            intent.claim.extension, frozenset()
        )
        if not round_trip & frozenset(intent.ours):
            continue
        intent.refused += [
            [one.kind.value, one.value, Reason.LOOP.value]
            for one in intent.ours
            if one in round_trip
        ]
        intent.ours = tuple(one for one in intent.ours if one not in round_trip)
        intent.target = frozenset(intent.ours) or (intent.foreign or frozenset())
