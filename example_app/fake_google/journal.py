"""What was asked of the server: a request log, counters per endpoint, and schema violations."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime, timedelta

from .clock import Clock, rfc3339
from .model import Json

_MINUTE = timedelta(minutes=1)


class Journal:
    """Remembers the last requests, and counts them all."""

    def __init__(self, clock: Clock, size: int = 5_000) -> None:
        self._clock = clock
        self.entries: deque[Json] = deque(maxlen=size)
        self.endpoints: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.violations: list[Json] = []
        self.total = 0

    def record(self, endpoint: str, status: int, **details: object) -> None:
        """Note one answered request."""
        self.total += 1
        self.endpoints[endpoint] += 1
        self.statuses[f"{endpoint} {status}"] += 1
        if reason := details.get("reason"):
            self.reasons[f"{endpoint} {reason}"] += 1
        self.entries.append(
            {
                "number": self.total,
                "at": rfc3339(self._clock.now()),
                "endpoint": endpoint,
                "status": status,
                **details,
            }
        )

    def violation(self, endpoint: str, path: str, sentences: list[str]) -> None:
        """Note an answer that does not fit Google's schema (at most 1,000 are kept)."""
        if len(self.violations) < 1_000:
            self.violations.append({"endpoint": endpoint, "path": path, "faults": sentences})

    def counters(self) -> Json:
        """All counters as JSON."""
        return {
            "total": self.total,
            "endpoints": dict(self.endpoints),
            "statuses": dict(self.statuses),
            "reasons": dict(self.reasons),
        }

    def clear(self) -> None:
        """Forget the log and the counters; violations stay."""
        self.entries.clear()
        self.total = 0
        for counter in (self.endpoints, self.statuses, self.reasons):
            counter.clear()


class Quota:
    """A sliding minute of requests, for the project as a whole or for one user; 0: no limit."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.per_minute = 0
        self.per_user_minute = 0
        self.peak = 0
        self._all: deque[datetime] = deque()
        self._users: dict[str, deque[datetime]] = {}

    def admit(self, user: str) -> str:
        """Count one request; the reason for refusing it, or empty when it may pass."""
        now = self._clock.now()
        if self._count(self._all, now) >= self.per_minute > 0:
            return "rateLimitExceeded"
        if self.per_user_minute:
            mine = self._users.setdefault(user, deque())
            if self._count(mine, now) >= self.per_user_minute:
                return "userRateLimitExceeded"
            mine.append(now)
        self._all.append(now)
        self.peak = max(self.peak, len(self._all))
        return ""

    def clear(self) -> None:
        """Lift both limits and forget the past minute."""
        self.per_minute = self.per_user_minute = self.peak = 0
        self._all.clear()
        self._users.clear()

    @staticmethod
    def _count(window: deque[datetime], now: datetime) -> int:
        if window and window[-1] > now:  # the clock was put back
            window.clear()
        while window and window[0] <= now - _MINUTE:
            window.popleft()
        return len(window)
