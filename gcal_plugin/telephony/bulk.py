"""The answer to a bulk write, line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..ports.telephony import (
    Applied,
    AuthFailed,
    BulkResult,
    LineState,
    TelephonyError,
    Temporary,
    UnknownExtension,
    Unsupported,
)
from .http import invalid
from .verdict import judge
from .wire import applied_from

_CODES: Mapping[str, type[TelephonyError]] = {
    "unknown_extension": UnknownExtension,
    "auth_failed": AuthFailed,
    "unsupported": Unsupported,
}


def results_of(batch: Sequence[LineState], body: Any) -> list[BulkResult]:
    """One result per state, in the batch's order; a line that is not answered is temporary."""
    answered: dict[tuple[str, str], Mapping[str, Any]] = {}
    entries = body.get("results") if isinstance(body, Mapping) else None
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping):
            answered[str(entry.get("domain")), str(entry.get("extension"))] = entry
    return [_result(state, answered.get(state.line)) for state in batch]


def _result(state: LineState, entry: Mapping[str, Any] | None) -> BulkResult:
    try:
        return BulkResult(state.line, applied=_applied(state, entry))
    except TelephonyError as error:
        return BulkResult(state.line, error=error)


def _applied(state: LineState, entry: Mapping[str, Any] | None) -> Applied:
    if entry is None:
        raise Temporary("the exchange did not answer for this line")
    if entry.get("ok") is not True:
        raise _error(entry)
    if "destinations" in entry:
        held = applied_from(entry)
    else:
        # The contract asks for the revision only: with ours, the set can only be ours.
        held = applied_from({"destinations": [], "revision": entry.get("revision")})
        if held.revision <= state.revision:
            held = Applied(state.destinations, held.revision)
    return judge(state.destinations, state.revision, held)


def _error(entry: Mapping[str, Any]) -> TelephonyError:
    said = entry.get("error")
    message = " ".join(said.split())[:200] if isinstance(said, str) else "refused without a reason"
    if entry.get("permanent") is not True:
        return Temporary(message)
    code = entry.get("code")
    if code == "invalid_destination" or "destination" in entry:
        return invalid(message, entry)
    return _CODES.get(str(code), TelephonyError)(message)
