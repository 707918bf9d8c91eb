"""States and plans as the JSON that the webhook contract names, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..domain.destination import Destination, Kind
from ..ports.telephony import (
    Applied,
    ForeignForward,
    InvalidDestination,
    Line,
    LineState,
    PlanWindow,
    TelephonyError,
    Temporary,
)
from .rendering import ordered, parse


def destination_json(destination: Destination) -> dict[str, str]:
    """`{"kind": "number", "value": "+31612345678"}`."""
    return {"kind": destination.kind.value, "value": destination.value}


def destination_from(value: Any) -> Destination:
    """The reverse; numbers may come back as `+31…`, `0031…` or `0…`."""
    if not isinstance(value, Mapping) or not isinstance(value.get("value"), str):
        raise InvalidDestination("a destination is an object with kind and value")
    kind, text = value.get("kind"), str(value["value"])
    destination = parse(text)
    if kind not in (Kind.NUMBER.value, Kind.EXTENSION.value):
        raise InvalidDestination(f"{kind!r} is no kind of destination")
    if destination.kind.value != kind:
        raise InvalidDestination(f"{text!r} is no {kind}")
    return destination


def state_json(line: Line, destinations: Iterable[Destination], revision: int) -> dict[str, Any]:
    """A state as the contract writes it; destinations in a fixed order."""
    return {
        "domain": line.domain,
        "extension": line.extension,
        "destinations": [destination_json(one) for one in ordered(destinations)],
        "revision": revision,
    }


def plan_json(
    line: Line, windows: Sequence[PlanWindow], valid_until: datetime, revision: int
) -> dict[str, Any]:
    """A plan as the contract writes it."""
    return {
        "domain": line.domain,
        "extension": line.extension,
        "windows": [
            {
                "start": instant(window.start),
                "end": instant(window.end),
                "destination": destination_json(window.destination),
            }
            for window in sorted(windows, key=lambda one: (one.start, one.end, one.destination))
        ],
        "valid_until": instant(valid_until),
        "revision": revision,
    }


def windows_from(values: Iterable[Mapping[str, Any]]) -> tuple[PlanWindow, ...]:
    """The windows of a plan; ValueError where an instant is none."""
    return tuple(
        PlanWindow(
            moment(value["start"]), moment(value["end"]), destination_from(value["destination"])
        )
        for value in values
    )


def instant(at: datetime) -> str:
    """RFC 3339 in UTC, `2026-01-05T09:00:00Z`, with microseconds only where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """The reverse of `instant`; ValueError for text without an offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return at.astimezone(UTC)


def encode(body: Any) -> str:
    """Compact JSON; ASCII only, so that signing and sending see the same bytes."""
    return json.dumps(body, separators=(",", ":"))


def applied_from(body: Any) -> Applied:
    """An answered state; `Temporary` where the answer is not one (a proxy's page, say).

    `ForeignForward` where it is one, with a destination that is none.
    """
    try:
        revision = body["revision"]
        destinations = [destination_from(one) for one in body["destinations"]]
    except (KeyError, TypeError) as error:
        raise Temporary(f"the answer is not a state: {error}") from error
    except InvalidDestination as error:
        raise ForeignForward(f"the exchange holds a forward that is not ours: {error}") from error
    if not isinstance(revision, int) or isinstance(revision, bool) or revision < 0:
        raise Temporary("the answer is not a state: its revision is no whole number")
    return Applied(frozenset(destinations), revision)


def line_state_from(body: Any) -> LineState:
    """An answered state that also says whose it is; odd where the rest of it cannot be read."""
    named = isinstance(body, Mapping)
    domain, extension = (body.get("domain"), body.get("extension")) if named else (None, None)
    if not isinstance(domain, str) or not isinstance(extension, str):
        raise Temporary("the answer is not a state: it does not say whose it is")
    line = Line(domain, extension)
    try:
        applied = applied_from(body)
    except TelephonyError as error:
        return LineState(line, frozenset(), 0, odd=str(error))
    return LineState(line, applied.destinations, applied.revision)
