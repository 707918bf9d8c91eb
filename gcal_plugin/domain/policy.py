"""May this line be forwarded there? Countries, kinds of numbers, short codes, limits.

The same question is asked when an event is read (so that the verdict is shown before it matters)
and again right before every push. Everything that is not opened is closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from gcal_plugin.domain.destination import Destination, Kind, Reading, read_title
from gcal_plugin.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class Policy:
    """What a tenant, or one link, allows. All fields have the safe default.

    `allowed_countries` are ISO codes ("NL", "BE"). `allowed_prefixes` ("+3184") open a range that
    the defaults refuse, never premium, emergency or short codes; `denied_prefixes` close a range;
    the longest matching prefix of the two decides, and a tie is a refusal.
    """

    allowed_countries: frozenset[str] = frozenset({"NL"})
    allowed_prefixes: frozenset[str] = frozenset()
    denied_prefixes: frozenset[str] = frozenset()
    allow_shared_cost: bool = False
    max_simultaneous: int = 10
    max_changes_per_day: int = 200
    max_forward_length: timedelta = timedelta(days=31)
    accept_invitations: bool = False

    @property
    def version(self) -> str:
        """A short hash of these rules and of the tables behind them; equal rules, equal version."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Answer plain JSON values (lists sorted, the length in seconds)."""
        raise NotImplementedError

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Policy:
        """Read `to_json` back; missing keys get the default; ValueError for wrong ones."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class LineContext:
    """What is known about the extension that would be forwarded.

    `known_extensions` None means that there is no list and any extension counts as known.
    `own_numbers` and `blocked` are E.164. `killed`: support switched forwarding off.
    """

    extension: str | None = None
    known_extensions: frozenset[str] | None = None
    own_numbers: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    killed: bool = False
    unreachable_extensions: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a title reads as, and whether a line may be forwarded there."""

    kind: Kind
    value: str | None
    allowed: bool
    reason: Reason | None = None
    suggestion: str | None = None

    @property
    def destination(self) -> Destination | None:
        """The destination, or None when it is not allowed."""
        if not self.allowed or self.value is None:
            return None
        return Destination(self.kind, self.value)


DEFAULT = Policy()
ANY_LINE = LineContext()


def decide(
    what: Reading | Destination, policy: Policy = DEFAULT, line: LineContext = ANY_LINE
) -> Verdict:
    """Answer whether `line` may be forwarded to `what`."""
    raise NotImplementedError


def explain(
    title: str | None, policy: Policy = DEFAULT, line: LineContext = ANY_LINE
) -> Verdict:
    """Read a title and decide."""
    return decide(read_title(title), policy, line)


def within_changes_cap(changes_today: int, policy: Policy = DEFAULT) -> bool:
    """Answer whether one more change is allowed after `changes_today`. Ends are never capped."""
    return changes_today < policy.max_changes_per_day


def find_loops(
    desired: Mapping[str, frozenset[Destination]], numbers: Mapping[str, str] | None = None
) -> dict[str, frozenset[Destination]]:
    """Answer which forwards must be refused because calls would go round.

    `desired` maps each extension of one exchange to where it is forwarded at one instant;
    `numbers` maps public numbers (E.164) to the extension behind them. Ask this only for exchanges
    that chain forwards. Every forward that is part of a ring is refused.
    """
    raise NotImplementedError
