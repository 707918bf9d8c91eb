"""Telling the tenant, quietly, where a limit of the rules kept a forward from starting."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ...domain.reasons import Reason
from .. import alarms
from ..runtime import Runtime
from .board import Board
from .model import Intent

log = structlog.get_logger(__name__)

LIMITS = frozenset({Reason.TOO_MANY.value, Reason.CHANGES_CAP.value, Reason.TOO_LONG_FORWARD.value})
"""What is a limit: other refusals are about the destination, and the customer's page tells them."""


def tell_limits(rt: Runtime, board: Board, intents: Sequence[Intent]) -> int:
    """Write one letter a line, limit and day where a limit bites that did not before; how many.

    A transaction of its own, and only where there is something to tell: an edge does not wait for
    letters that nobody needs.
    """
    bitten = [
        (intent.claim.link_id, reason)
        for intent in intents
        for reason in sorted(_reasons(intent.refused) - _reasons(intent.claim.refused or ()))
    ]
    if not bitten:
        return 0
    told = 0
    with rt.store.begin() as session:
        now = rt.store.now(session)
        for link_id, reason in bitten:
            try:
                told += alarms.limit_reached(rt, session, board.facts[link_id].link, reason, now)
            except SQLAlchemyError:
                raise
            except Exception as fault:  # noqa: BLE001 (a letter that fails must not hold up a switch)
                log.error("limit_not_told", link_id=str(link_id), fault=repr(fault))
    if told:
        rt.wake.mail()
    return told


def _reasons(refused: Sequence[Sequence[str]]) -> set[str]:
    return {str(one[2]) for one in refused} & LIMITS
