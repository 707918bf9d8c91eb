"""What Google's refusals mean: each answer becomes an error that carries the decision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ..ports import CalendarError, PushNotSupported, SyncTokenExpired

RATE_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
"""Too fast: slow down and try again. Everything else that Google forbids is not about speed."""

_EXHAUSTED_REASONS = frozenset(
    {"quotaExceeded", "dailyLimitExceeded", "calendarUsageLimitsExceeded"}
)
_LOST_REASONS = frozenset({"notFound"})
"""A 404 that speaks of the calendar. Any other may be a page of whatever stands in between."""
_FORBIDDEN_REASONS = frozenset(
    {"forbidden", "notACalendarUser", "requiredAccessLevel", "insufficientPermissions"}
)
"""A 403 that speaks of this person and calendar. Any other is about the whole project (the API is
switched off, an allowance is used up, a policy) or new to us: that is mended without our customer,
who must not lose the link by it."""
_EXHAUSTED_WAIT = 3600.0
"""A used-up allowance does not come back by asking again: look an hour later, in seconds."""

_LONGEST_WAIT = 3600.0
"""No `Retry-After` may park a calendar for longer than this, in seconds."""


def retry_after(headers: Mapping[str, Any], now: datetime | None = None) -> float | None:
    """The seconds that `Retry-After` asks for, from either of its two forms; None without one."""
    value = headers.get("retry-after") or headers.get("Retry-After")
    if not value:
        return None
    text = str(value).strip()
    if text.isdigit():
        return min(float(text), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def reason_and_message(content: bytes | str) -> tuple[str, str]:
    """The stable reason code and the message of an error body; ("", "") where it is none."""
    try:
        data = json.loads(content)
    except ValueError:
        return "", ""
    error = data.get("error") if isinstance(data, dict) else None
    if not isinstance(error, dict):
        return "", ""
    details = error.get("errors")
    first = details[0] if isinstance(details, list) and details else {}
    reason = first.get("reason", "") if isinstance(first, dict) else ""
    return str(reason), str(error.get("message", ""))


def from_answer(status: int, headers: Mapping[str, Any], content: bytes | str) -> CalendarError:
    """The error for an answer that is not a success.

    An answer that is not Google's JSON (a proxy's page, a cut body) never counts as permanent:
    something between us and Google may have made it. Nor does what concerns the whole project.
    """
    reason, message = reason_and_message(content)
    wait = retry_after(headers)
    said = message or f"HTTP {status}"
    if status == 410:
        return SyncTokenExpired(said, reason)
    if reason == "pushNotSupportedForRequestedResource":
        return PushNotSupported(said)
    if status == 429 or reason in RATE_REASONS:
        return CalendarError(
            said, reason=reason or "tooManyRequests", status=status, retry_after=wait, quota=True
        )
    if reason in _EXHAUSTED_REASONS:
        return CalendarError(
            said, reason=reason, status=status, retry_after=max(wait or 0.0, _EXHAUSTED_WAIT)
        )
    return CalendarError(
        said,
        reason=reason or f"http{status}",
        status=status,
        permanent=_final(status, reason),
        retry_after=wait,
    )


def _final(status: int, reason: str) -> bool:
    """Whether asking the same again is in vain."""
    if status == 404:
        return reason in _LOST_REASONS
    if status == 403:
        return reason in _FORBIDDEN_REASONS
    return 400 <= status < 500 and status not in {401, 408, 425} and bool(reason)


def unreachable(error: Exception) -> CalendarError:
    """The error for no answer, or one that breaks off or cannot be read: always temporary."""
    return CalendarError(
        f"no usable answer: {type(error).__name__}", reason="unreachable", permanent=False
    )
