"""Forwards that would send calls round, on exchanges that chain them.

Every line notes what it wants before anything is refused, and looks at what the others want, one
look after the other. So two workers that switch two halves of a ring at once cannot both miss it,
and a half that was refused is not forgotten as soon as the other half looks again.

What stands stays: the forward that would close a ring is refused, whoever it is, and has its turn
again when the ring has opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from ...domain.destination import Destination
from ...domain.policy import find_loops
from ...domain.reasons import Reason
from ...store import queries_rings
from ...store.queries_rings import Wish
from ...store.queries_switching import mark_due
from ..runtime import Runtime
from .board import Board
from .model import NOTHING, Intent, Set, pairs, set_of

Numbers = Mapping[str, str]
"""Public numbers (E.164) and the extension behind each."""
Graph = dict[str, Set]


def without_loops(rt: Runtime, session: Session, board: Board, intents: Sequence[Intent]) -> None:
    """Take destinations out that lead back to the line, through the other lines of its domain.

    Needs a transaction of its own that has not begun yet, and that ends at once afterwards.
    """
    sound = [intent for intent in intents if intent.fault is None]
    if not sound:
        return
    pbx = sound[0].claim.pbx
    numbers = _numbers(rt, board, sound)
    queries_rings.look_alone(session, pbx, sound[0].claim.link_id)
    stored: dict[str, list[Wish]] = {}
    for wish in queries_rings.wishes(session, pbx, {one.claim.domain for one in sound}):
        stored.setdefault(wish.domain, []).append(wish)
    freed: list[UUID] = []
    for domain, wishes in stored.items():
        here = [intent for intent in sound if intent.claim.domain == domain]
        freed += _look(session, wishes, here, numbers.get(domain, {}))
    if freed:
        mark_due(session, freed, rt.store.now(session))


def _look(
    session: Session, wishes: Sequence[Wish], intents: Sequence[Intent], numbers: Numbers
) -> list[UUID]:
    """Judge the lines of one domain; answers other lines whose refused forwards could go now."""
    ours = {intent.claim.link_id: intent for intent in intents}
    before = {wish.link_id: wish for wish in wishes}
    others = [wish for wish in wishes if wish.link_id not in ours]
    graph: Graph = {one.extension: _standing(one) for one in others}
    coming: list[tuple[bool, str, Destination]] = []
    for intent in intents:
        wish, line = before.get(intent.claim.link_id), intent.claim.extension
        graph[line] = NOTHING if intent.ours else intent.foreign or NOTHING
        # What stood before is asked first, but asked again: somebody may have closed the ring by
        # hand meanwhile.
        stood = _standing(wish) if wish is not None else NOTHING
        coming += [(one not in stood, line, one) for one in intent.ours]
    refused = _closing(graph, [(line, one) for _, line, one in sorted(coming)], numbers)
    for intent in intents:
        bad = refused.get(intent.claim.extension, NOTHING)
        wanted = pairs(intent.ours or intent.foreign or ())
        known = before.get(intent.claim.link_id)
        if known is None or (known.wanted, known.in_ring) != (wanted, pairs(bad)):
            generation = intent.claim.generation
            queries_rings.note(session, intent.claim.link_id, generation, wanted, pairs(bad))
        if bad:
            _refuse(intent, bad)
    return [
        wish.link_id
        for wish in others
        # A line in trouble has its next try anyway; being hurried would undo its patience.
        if not wish.failures
        and any(not _closes(graph, wish.extension, one, numbers) for one in set_of(wish.in_ring))
    ]


def _standing(wish: Wish) -> Set:
    return set_of(wish.wanted) - set_of(wish.in_ring)


def _closing(
    graph: Graph, coming: Sequence[tuple[str, Destination]], numbers: Numbers
) -> dict[str, Set]:
    """Add the coming forwards to the graph in their order; answers those that close a ring."""
    full = {line: set(destinations) for line, destinations in graph.items()}
    for line, destination in coming:
        full.setdefault(line, set()).add(destination)
    suspects = find_loops(full, numbers)
    refused: dict[str, Set] = {}
    doubtful = []
    for line, destination in coming:
        if destination in suspects.get(line, NOTHING):
            doubtful.append((line, destination))
        else:
            graph[line] = graph.get(line, NOTHING) | {destination}
    for line, destination in doubtful:
        if _closes(graph, line, destination, numbers):
            refused[line] = refused.get(line, NOTHING) | {destination}
        else:
            graph[line] = graph.get(line, NOTHING) | {destination}
    return refused


def _closes(graph: Graph, line: str, destination: Destination, numbers: Numbers) -> bool:
    """Whether a forward from `line` would close a ring with what is in the graph."""
    tried = {**graph, line: graph.get(line, NOTHING) | {destination}}
    return destination in find_loops(tried, numbers).get(line, NOTHING)


def _refuse(intent: Intent, bad: Set) -> None:
    intent.refused += [
        [one.kind.value, one.value, Reason.LOOP.value] for one in intent.ours if one in bad
    ]
    intent.ours = tuple(one for one in intent.ours if one not in bad)
    intent.target = frozenset(intent.ours) or (intent.foreign or NOTHING)


def _numbers(rt: Runtime, board: Board, intents: Iterable[Intent]) -> Mapping[str, Numbers]:
    """The public numbers behind each domain's extensions, as far as the portal tells them."""
    found: dict[str, dict[str, str]] = {}
    asked: set[str] = set()
    for intent in intents:
        account_id = board.facts[intent.claim.link_id].link.account_id
        if account_id in asked:
            continue
        asked.add(account_id)
        account = rt.portal.account(account_id)
        listed = rt.portal.extensions(account) if account is not None else None
        known = found.setdefault(intent.claim.domain, {})
        for extension in listed or ():
            known.update(dict.fromkeys(extension.public_numbers, extension.number))
    return found
