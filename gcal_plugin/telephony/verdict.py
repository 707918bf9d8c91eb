"""What a write came to, judged from what the exchange says it holds now."""

from __future__ import annotations

from ..domain.destination import Destination
from ..ports.telephony import Applied, StaleRevision, VerifyMismatch


def judge(wanted: frozenset[Destination], revision: int, held: Applied) -> Applied:
    """The held state where it is ours; else `StaleRevision` or `VerifyMismatch`.

    A newer revision on the other side means that somebody decided after us: drop the write. The
    same or an older one with another set means that our write did not land: retry with a revision
    above both.
    """
    if held.revision > revision:
        raise StaleRevision(
            f"the exchange holds revision {held.revision}, ours was {revision}", held=held
        )
    if held.destinations != wanted or held.revision < revision:
        raise VerifyMismatch(
            f"the exchange holds another set at revision {held.revision}", held=held
        )
    return held


def judge_plan(revision: int, held: Applied) -> Applied:
    """The same for a plan, of which the exchange shows only the set of this moment."""
    if held.revision > revision:
        raise StaleRevision(
            f"the exchange holds revision {held.revision}, ours was {revision}", held=held
        )
    if held.revision < revision:
        raise VerifyMismatch(
            f"the exchange ignored the plan and holds revision {held.revision}", held=held
        )
    return held
