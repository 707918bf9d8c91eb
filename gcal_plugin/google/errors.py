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

    An answer that is not Google's JSON (a proxy's page, a cut body) never counts as permanent,
    except for a plain 404: something between us and Google may have made it.
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
    permanent = 400 <= status < 500 and status not in {401, 408, 425} and bool(reason)
    if status == 404:
        permanent = True
    return CalendarError(
        said,
        reason=reason or f"http{status}",
        status=status,
        permanent=permanent,
        retry_after=wait,
    )


def unreachable(error: Exception) -> CalendarError:
    """The error for no answer, or one that breaks off or cannot be read: always temporary."""
    return CalendarError(
        f"no usable answer: {type(error).__name__}", reason="unreachable", permanent=False
    )
