"""Lines that their exchange refused: asked for again as soon as there is a sign that it turned.

Nobody tells us when somebody mends an exchange. There are three signs: it can be read again, it
takes a write that it refused before, or somebody asks us to try. Where it could be read all along,
one line that still rings somewhere is tried at each look: a forward has to end.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from ...store.queries_refused import ask_again
from ...store.queries_switching import Claim
from ..runtime import Runtime
from .model import Outcome


def after_reading(rt: Runtime, pbx: str, *, turned: bool) -> list[UUID]:
    """The exchange could be read: have every refused line tried where it `turned`, else one."""
    with rt.store.begin() as session:
        now = rt.store.now(session)
        found = ask_again(session, pbx, now) if turned else ask_again(session, pbx, now, probe=True)
    if found:
        rt.wake.switch(pbx, found[: rt.settings.batch_size])
    return found


def after_writing(rt: Runtime, pbx: str, outcomes: Iterable[Outcome]) -> None:
    """Writes were answered: where one was taken that was refused before, try the others too."""
    if any(one.applied is not None and _was_refused(one.intent.claim) for one in outcomes):
        after_reading(rt, pbx, turned=True)


def _was_refused(claim: Claim) -> bool:
    return claim.failures > 0 and claim.last_error is not None and not claim.in_doubt
