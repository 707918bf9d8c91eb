"""Failures in the shape Google gives them: a status, a reason code, a message, a domain."""

from __future__ import annotations

from typing import Any

_STATUS_NAMES = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED"}


class ApiError(Exception):
    """A refusal by one of the JSON APIs; `reason` is what clients switch on."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: tuple[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain
        self.location = location
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The JSON body: `error` with `code`, `message` and a list of one detail."""
        detail = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location:
            detail["locationType"], detail["location"] = self.location
        error: dict[str, Any] = {
            "code": self.status,
            "message": self.message,
            "errors": [detail],
        }
        if self.status in _STATUS_NAMES:
            error["status"] = _STATUS_NAMES[self.status]
        return {"error": error}


def not_found() -> ApiError:
    """The resource does not exist, or this account may not know that it does."""
    return ApiError(404, "notFound", "Not Found")


def bad_request(message: str, *, reason: str = "invalid", parameter: str = "") -> ApiError:
    """A parameter or field is wrong."""
    return ApiError(400, reason, message, location=("parameter", parameter) if parameter else None)


def unauthorized() -> ApiError:
    """The access token is missing, unknown or expired."""
    return ApiError(
        401,
        "authError",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, "
        "login cookie or other valid authentication credential.",
        location=("header", "Authorization"),
        headers={
            "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
        },
    )


def sync_token_gone() -> ApiError:
    """The sync token is no longer good for anything; the client must list everything again."""
    return ApiError(
        410,
        "fullSyncRequired",
        "Sync token is no longer valid, a full sync is required.",
        domain="calendar",
        location=("parameter", "syncToken"),
    )
