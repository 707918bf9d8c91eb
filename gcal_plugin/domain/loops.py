"""Forwards that lead back to where they came from, on exchanges that chain forwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gcal_plugin.domain.values import Destination, Kind


def find_loops(
    desired: Mapping[str, Iterable[Destination]], numbers: Mapping[str, str] | None = None
) -> dict[str, frozenset[Destination]]:
    """Answer which forwards must be refused because calls would go round.

    `desired` maps each extension of one exchange to where it is forwarded at one instant, so that
    only overlapping windows can form a ring. `numbers` maps public numbers (E.164) to the extension
    behind them. Ask this only for exchanges that chain forwards. Every forward that is part of a
    ring is refused, so the answer does not depend on any order. An extension's own digits among its
    destinations mean its own phone and are no ring; its own public number is one.
    """
    edges = {
        line: [
            (destination, target)
            for destination in destinations
            if (target := _target(destination, numbers or {})) is not None
            and not (target == line and destination.kind is Kind.EXTENSION)
        ]
        for line, destinations in desired.items()
    }
    reach = {line: _reachable(line, edges) for line in edges}
    refused = {
        line: frozenset(
            destination
            for destination, target in pairs
            if target == line or line in reach.get(target, frozenset())
        )
        for line, pairs in edges.items()
    }
    return {line: destinations for line, destinations in refused.items() if destinations}


def _target(destination: Destination, numbers: Mapping[str, str]) -> str | None:
    """Answer the extension that a destination rings, or None for the world outside."""
    if destination.kind is Kind.EXTENSION:
        return destination.value
    return numbers.get(destination.value)


def _reachable(line: str, edges: Mapping[str, list[tuple[Destination, str]]]) -> frozenset[str]:
    """Answer every extension that a call to `line` can be passed on to."""
    seen: set[str] = set()
    waiting = [line]
    while waiting:
        for _, target in edges.get(waiting.pop(), ()):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return frozenset(seen)
