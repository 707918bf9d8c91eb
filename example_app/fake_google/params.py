"""Query parameters of the Calendar API, read as strictly as Google reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import bad_request


def flag(params: Mapping[str, str], name: str) -> bool | None:
    """`true`, `false`, or None where it is not given."""
    text = params.get(name)
    if text is None:
        return None
    if text.lower() not in ("true", "false"):
        raise bad_request(f"Invalid boolean value: '{text}'.", parameter=name)
    return text.lower() == "true"


def number(params: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    """A positive whole number, at most `most`."""
    text = params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise bad_request(f"Invalid value '{text}'. Values must be positive.", parameter=name)
    return min(int(text), most)


def instant(params: Mapping[str, str], name: str) -> datetime | None:
    """An RFC 3339 instant whose offset is mandatory, as UTC."""
    text = params.get(name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise bad_request("Bad Request", reason="badRequest", parameter=name)
    return found.astimezone(UTC).replace(microsecond=0)


def zone(params: Mapping[str, str], default: str) -> ZoneInfo:
    """The zone to answer in."""
    name = params.get("timeZone", default)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise bad_request("Invalid time zone.", parameter="timeZone") from error
