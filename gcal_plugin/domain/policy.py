"""May this line be forwarded there? Countries, kinds of numbers, short codes, limits.

The same question is asked when an event is read (so that the verdict is shown before it matters)
and again right before every push. Everything that is not opened is closed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cached_property
from typing import Any

from gcal_plugin.domain import numbering, ranges
from gcal_plugin.domain.destination import Destination, Kind, Reading, read_title
from gcal_plugin.domain.loops import find_loops
from gcal_plugin.domain.reasons import Reason

__all__ = [
    "ANY_LINE",
    "DEFAULT",
    "LineContext",
    "Policy",
    "Verdict",
    "decide",
    "explain",
    "find_loops",
    "refusal",
    "within_changes_cap",
]

_SETS = ("allowed_countries", "allowed_prefixes", "denied_prefixes")
_FLAGS = ("allow_shared_cost", "accept_invitations")
_COUNTS = ("max_simultaneous", "max_changes_per_day")
_LENGTH = "max_forward_length"
_SHAPES = {
    "allowed_countries": re.compile(r"[A-Z]{2}"),
    "allowed_prefixes": re.compile(r"\+[1-9][0-9]{0,14}"),
    "denied_prefixes": re.compile(r"\+[1-9][0-9]{0,14}"),
}

# Types that the library reports and a forward may reach in a country that is opened.
_PLAIN_TYPES = frozenset({"fixed_line", "mobile", "fixed_line_or_mobile", "voip", "toll_free"})
_TYPE_REASONS = {
    "premium_rate": Reason.PREMIUM,
    "personal_number": Reason.PERSONAL_NUMBER,
    "pager": Reason.PAGER,
}


@dataclass(frozen=True)
class Policy:
    """What a tenant, or one link, allows. All fields have the safe default.

    `allowed_countries` are ISO codes ("NL", "BE"). `allowed_prefixes` ("+3184") open a range that
    the defaults refuse, never premium, satellite, emergency or short codes; `denied_prefixes` close
    a range; the longest matching prefix of the two decides, and a tie is a refusal.
    """

    allowed_countries: frozenset[str] = frozenset({"NL"})
    allowed_prefixes: frozenset[str] = frozenset()
    denied_prefixes: frozenset[str] = frozenset()
    allow_shared_cost: bool = False
    max_simultaneous: int = 10
    max_changes_per_day: int = 200
    max_forward_length: timedelta = timedelta(days=31)
    accept_invitations: bool = False

    def __post_init__(self) -> None:
        for name, shape in _SHAPES.items():
            wrong = sorted(one for one in getattr(self, name) if not shape.fullmatch(one))
            if wrong:
                raise ValueError(f"{name}: {', '.join(wrong)}")
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.max_forward_length <= timedelta(0):
            raise ValueError(f"{_LENGTH} must be more than nothing")

    @cached_property
    def version(self) -> str:
        """A short hash of these rules and of the tables behind them; equal rules, equal version."""
        content = json.dumps([ranges.TABLES, self.to_json()], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    def to_json(self) -> dict[str, Any]:
        """Answer plain JSON values (lists sorted, the length in seconds)."""
        data: dict[str, Any] = {name: sorted(getattr(self, name)) for name in _SETS}
        data |= {name: getattr(self, name) for name in _FLAGS + _COUNTS}
        return data | {_LENGTH: int(self.max_forward_length.total_seconds())}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Policy:
        """Read `to_json` back; missing keys get the default; ValueError for wrong ones."""
        unknown = sorted(set(data) - {one.name for one in fields(cls)})
        if unknown:
            raise ValueError(f"unknown: {', '.join(unknown)}")
        return cls(**{name: _value(name, given) for name, given in data.items()})


def _value(name: str, given: Any) -> Any:
    """Turn one JSON value into the field's type; ValueError names the field."""
    if name in _SETS and isinstance(given, list) and all(isinstance(one, str) for one in given):
        return frozenset(given)
    if name in _FLAGS and isinstance(given, bool):
        return given
    if name in _COUNTS and isinstance(given, int) and not isinstance(given, bool):
        return given
    if name == _LENGTH and isinstance(given, int) and not isinstance(given, bool):
        return timedelta(seconds=given)
    raise ValueError(f"{name}: {given!r}")


@dataclass(frozen=True, slots=True)
class LineContext:
    """What is known about the extension that would be forwarded.

    `known_extensions` None means that there is no list and any extension counts as known.
    `own_numbers` (the extension's own public numbers) and `blocked` (numbers whose owners want no
    forwards) are E.164. `killed`: support switched forwarding off. `unreachable_extensions` are
    those of a kind that this exchange cannot forward to.
    """

    extension: str | None = None
    known_extensions: frozenset[str] | None = None
    own_numbers: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    killed: bool = False
    unreachable_extensions: frozenset[str] = frozenset()


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


# A switched-off line does not make a suggestion wrong.
_HARMLESS = frozenset({None, Reason.KILLED})

DEFAULT = Policy()
ANY_LINE = LineContext()


def decide(
    what: Reading | Destination, policy: Policy = DEFAULT, line: LineContext = ANY_LINE
) -> Verdict:
    """Answer whether `line` may be forwarded to `what`.

    A suggestion that would itself be refused is left out.
    """
    destination = what if isinstance(what, Destination) else what.destination
    if destination is not None:
        reason = refusal(destination, policy, line)
        return Verdict(destination.kind, destination.value, reason is None, reason)
    assert isinstance(what, Reading)
    suggestion = what.suggestion
    if suggestion is not None and explain(suggestion, policy, line).reason not in _HARMLESS:
        suggestion = None
    return Verdict(what.kind, what.value, False, what.reason, suggestion)


def explain(title: str | None, policy: Policy = DEFAULT, line: LineContext = ANY_LINE) -> Verdict:
    """Read a title and decide."""
    return decide(read_title(title), policy, line)


def refusal(
    destination: Destination, policy: Policy = DEFAULT, line: LineContext = ANY_LINE
) -> Reason | None:
    """Answer why `line` may not be forwarded to `destination`, or None."""
    if ranges.is_emergency(destination.value):
        return Reason.EMERGENCY
    if destination.kind is Kind.EXTENSION:
        reason = _extension_refusal(destination.value, line)
    else:
        reason = _number_refusal(destination.value, policy)
        if destination.value in line.own_numbers:
            reason = reason or Reason.OWN_NUMBER
    if reason is None and destination.value in line.blocked:
        return Reason.BLOCKED_BY_OWNER
    return Reason.KILLED if reason is None and line.killed else reason


def _extension_refusal(digits: str, line: LineContext) -> Reason | None:
    known = line.known_extensions
    if known is not None and digits in known:
        return Reason.NOT_REACHABLE_KIND if digits in line.unreachable_extensions else None
    if known is None:
        public = ranges.short_code(digits)
        return public or (Reason.TOO_SHORT if digits.startswith("0") else None)
    if ranges.is_helpline(digits):
        return Reason.EMERGENCY
    return Reason.SHORT_CODE if ranges.is_public_short_code(digits) else Reason.UNKNOWN_EXTENSION


def _number_refusal(e164: str, policy: Policy) -> Reason | None:
    closed = ranges.closed_range(e164)
    if closed is not None:
        return closed
    fault = numbering.fault(e164)
    if fault is not None:
        return fault
    dutch = e164.startswith(ranges.HOME)
    reason = ranges.dutch_default(e164) if dutch else _type_refusal(e164, policy)
    if reason in _NEVER_OPENED:
        return reason
    opened, denied = _longest(e164, policy.allowed_prefixes), _longest(e164, policy.denied_prefixes)
    if denied and denied >= opened:
        return Reason.PREFIX_REFUSED
    if opened:
        return None
    if numbering.region(e164) not in policy.allowed_countries:
        return Reason.COUNTRY_CLOSED
    return reason


# A tenant's own prefixes cannot open these; the rest is the tenant's choice.
_NEVER_OPENED = frozenset({Reason.PREMIUM, Reason.SHORT_CODE})


def _type_refusal(e164: str, policy: Policy) -> Reason | None:
    kind = numbering.number_type(e164)
    if kind == "shared_cost":
        return None if policy.allow_shared_cost else Reason.SHARED_COST
    if kind in _PLAIN_TYPES:
        return None
    return _TYPE_REASONS.get(kind, Reason.NUMBER_TYPE_REFUSED)


def _longest(e164: str, prefixes: frozenset[str]) -> int:
    return max((len(prefix) for prefix in prefixes if e164.startswith(prefix)), default=0)


def within_changes_cap(changes_today: int, policy: Policy = DEFAULT) -> bool:
    """Answer whether one more change is allowed after `changes_today`. Ends are never capped."""
    return changes_today < policy.max_changes_per_day
