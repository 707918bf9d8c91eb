"""The fault switchboard: rules that make the local Google misbehave as the real one does."""

from __future__ import annotations

import itertools
import random
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .errors import ApiError, sync_token_gone, unauthorized
from .model import Json

# kind -> (status, reason, message, domain)
REFUSALS: dict[str, tuple[int, str, str, str]] = {
    "rateLimitExceeded": (403, "rateLimitExceeded", "Rate Limit Exceeded", "usageLimits"),
    "userRateLimitExceeded": (
        403,
        "userRateLimitExceeded",
        "User Rate Limit Exceeded",
        "usageLimits",
    ),
    "quotaExceeded": (403, "quotaExceeded", "Calendar usage limits exceeded.", "usageLimits"),
    "tooManyRequests": (429, "rateLimitExceeded", "Too many requests.", "usageLimits"),
    "insufficientPermissions": (
        403,
        "insufficientPermissions",
        "Request had insufficient authentication scopes.",
        "global",
    ),
    "forbidden": (403, "forbidden", "Forbidden", "global"),
    "notACalendarUser": (
        403,
        "notACalendarUser",
        "The user must be signed up for Google Calendar.",
        "calendar",
    ),
    "notFound": (404, "notFound", "Not Found", "global"),
    "backendError": (500, "backendError", "Backend Error", "global"),
    "serviceUnavailable": (
        503,
        "backendError",
        "The service is currently unavailable.",
        "global",
    ),
    "updatedMinTooLongAgo": (
        410,
        "updatedMinTooLongAgo",
        "The requested minimum modification time lies too far in the past.",
        "calendar",
    ),
    "pushNotSupported": (
        400,
        "pushNotSupportedForRequestedResource",
        "Push notifications are not supported by this resource.",
        "global",
    ),
}
TRANSPORT = ("latency", "hang", "reset", "truncate", "html")
TOKEN = ("invalid_grant", "invalid_client", "omit_refresh_token", "missing_fields", "error")
BEHAVIOUR = ("empty_page", "page_size", "blow_up")
PUSH = ("push_loss", "push_duplicate", "push_delay", "push_after_answer")
KINDS = frozenset(
    {*REFUSALS, "authError", "fullSyncRequired", *TRANSPORT, *TOKEN, *BEHAVIOUR, *PUSH}
)


@dataclass(slots=True)
class Fault:
    """One rule; patterns are shell globs, and every pattern must match.

    It acts on `count` requests (None: for ever) after letting `skip` pass, each time with
    `probability`.  `options` depends on the kind: `seconds`, `status`, `retry_after`, `size`,
    `copies`, `reason`, `message`.
    """

    id: int
    kind: str
    endpoint: str = "*"
    account: str = "*"
    calendar: str = "*"
    client: str = "*"
    count: int | None = None
    skip: int = 0
    probability: float = 1.0
    used: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    def refusal(self) -> ApiError | None:
        """The error this rule answers with, if it is one of those."""
        headers = {}
        if "retry_after" in self.options:
            headers["Retry-After"] = str(self.options["retry_after"])
        elif self.kind == "tooManyRequests":
            headers["Retry-After"] = "1"
        if self.kind == "authError":
            return unauthorized()
        if self.kind == "fullSyncRequired":
            return sync_token_gone()
        if self.kind == "error":
            return ApiError(
                int(self.options.get("status", 500)),
                str(self.options.get("reason", "backendError")),
                str(self.options.get("message", "Backend Error")),
                headers=headers,
            )
        if self.kind not in REFUSALS:
            return None
        status, reason, message, domain = REFUSALS[self.kind]
        return ApiError(status, reason, message, domain=domain, headers=headers)


@dataclass(frozen=True, slots=True)
class Target:
    """What a rule is matched against."""

    endpoint: str
    account: str = ""
    calendar: str = ""
    client: str = ""


class Switchboard:
    """The rules in force, oldest first."""

    def __init__(self, seed: int | None = None) -> None:
        self.rules: list[Fault] = []
        self._ids = itertools.count(1)
        self._random = random.Random(seed)  # noqa: S311 - chance, not a secret

    def add(self, given: Json) -> Fault:
        """Put a rule in force; ValueError for an unknown kind or key."""
        known = {name: given[name] for name in Fault.__slots__ if name in given and name != "id"}
        rest = {name: value for name, value in given.items() if name not in Fault.__slots__}
        if given.get("kind") not in KINDS:
            raise ValueError(f"unknown kind {given.get('kind')!r}; known: {sorted(KINDS)}")
        known["options"] = {**rest, **known.get("options", {})}
        rule = Fault(next(self._ids), **known)
        self.rules.append(rule)
        return rule

    def remove(self, rule_id: int) -> bool:
        """Lift one rule; False when there is none of that number."""
        left = [rule for rule in self.rules if rule.id != rule_id]
        found = len(left) < len(self.rules)
        self.rules = left
        return found

    def clear(self) -> None:
        """Lift every rule."""
        self.rules.clear()

    def describe(self) -> list[Json]:
        """The rules as JSON, with how often each has acted."""
        return [asdict(rule) for rule in self.rules]

    def take(self, target: Target, kinds: tuple[str, ...] | None = None) -> list[Fault]:
        """The rules that act now; each is counted as used."""
        if not self.rules:
            return []
        return [
            rule
            for rule in self.rules
            if (kinds is None or rule.kind in kinds) and self._acts(rule, target)
        ]

    def _acts(self, rule: Fault, target: Target) -> bool:
        if not (
            fnmatchcase(target.endpoint, rule.endpoint)
            and fnmatchcase(target.account, rule.account)
            and fnmatchcase(target.calendar, rule.calendar)
            and fnmatchcase(target.client, rule.client)
        ):
            return False
        if rule.skip > 0:
            rule.skip -= 1
            return False
        if rule.count is not None and rule.used >= rule.count:
            return False
        if rule.probability < 1 and self._random.random() >= rule.probability:
            return False
        rule.used += 1
        return True
