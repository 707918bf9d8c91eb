"""One HTTP client for every exchange: pooled, bounded, and with errors that carry the decision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from ..ports.telephony import (
    AuthFailed,
    InvalidDestination,
    TelephonyError,
    Temporary,
    UnknownExtension,
    Unsupported,
)
from .wire import destination_from

RETRY_STATUSES = frozenset({408, 425, 429})
LONGEST_WAIT = 3600.0
"""Seconds: a longer Retry-After is taken as this, since a reconcile comes by sooner anyway."""


class ExchangeClient:
    """Requests to one base address; safe to use from several threads."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 5.0,
        connect_timeout: float = 2.0,
        connections: int = 16,
        transport: httpx.BaseTransport | None = None,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=connect_timeout),
            limits=limits,
            transport=transport or httpx.HTTPTransport(limits=limits, retries=0),
            follow_redirects=False,
            trust_env=False,
            auth=auth,
            headers={"user-agent": "gcal-plugin", **(headers or {})},
        )

    def send(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request, answered whatever its status; `Temporary` where no answer came."""
        try:
            return self._client.request(method, self.url + path, content=content, headers=headers)
        except httpx.TimeoutException as error:
            raise Temporary(f"no answer in time ({type(error).__name__})") from error
        except httpx.TransportError as error:
            raise Temporary(f"not reached: {str(error) or type(error).__name__}") from error
        except (httpx.DecodingError, httpx.InvalidURL) as error:
            raise Temporary(f"not understood: {error}") from error

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


def body_of(response: httpx.Response) -> Any:
    """The JSON of a 2xx answer; raises the error that its status means otherwise."""
    if not response.is_success:
        raise error_of(response)
    try:
        return response.json()
    except ValueError as error:
        raise Temporary("the answer is not JSON") from error


def error_of(response: httpx.Response) -> TelephonyError:
    """The decision that a status carries, with the exchange's own words where it has any."""
    words, body = _words(response)
    status = response.status_code
    message = f"{status}: {words}" if words else f"{status} {response.reason_phrase}".strip()
    if status in RETRY_STATUSES or status >= 500:
        return Temporary(message, retry_after=retry_after(response.headers.get("retry-after")))
    if status in (401, 403):
        return AuthFailed(message)
    if status == 404:
        return UnknownExtension(message)
    if status == 405:
        return Unsupported(message)
    if status == 422:
        return invalid(message, body)
    if 300 <= status < 400:
        return TelephonyError(f"{status}: redirects are not followed; set the final address")
    return TelephonyError(message)


def invalid(message: str, body: Any) -> InvalidDestination:
    """`InvalidDestination`, naming the destination where the exchange did."""
    named = body.get("destination") if isinstance(body, Mapping) else None
    if named is None:
        return InvalidDestination(message)
    try:
        return InvalidDestination(message, destination=destination_from(named))
    except InvalidDestination:
        return InvalidDestination(message)


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds to wait, from a number or an HTTP date; None where there is neither."""
    if not value:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(float(value), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max((at - (now or datetime.now(UTC))).total_seconds(), 0.0), LONGEST_WAIT)


def _words(response: httpx.Response) -> tuple[str, Any]:
    """The exchange's own explanation, at most a line of it."""
    try:
        body = json.loads(response.content)
    except ValueError:
        return "", None
    said = body.get("error") if isinstance(body, Mapping) else None
    return (" ".join(said.split())[:200], body) if isinstance(said, str) else ("", body)
