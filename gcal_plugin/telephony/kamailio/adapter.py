"""The `kamailio` backend: JSON-RPC to the shipped include.

Kamailio holds each line's coming time as one string and decides at every INVITE by its own clock.
It refuses older revisions, keeps everything in SQLite or Postgres, and answers what it holds.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

import httpx
from pydantic import Field, SecretStr

from ...domain.destination import Destination
from ...ports.telephony import (
    Applied,
    BulkResult,
    Capabilities,
    ForeignForward,
    Health,
    Line,
    LineState,
    PlanWindow,
    TelephonyError,
    Temporary,
)
from ..guarded import GuardedTransport
from ..http import ExchangeClient, body_of
from ..outgoing import OutgoingConfig
from ..parallel import one_by_one
from ..rendering import NumberFormat, check_line, check_set
from ..segments import Timeline, check_width, decode, encode, of_set, of_windows
from ..verdict import judge, judge_plan
from ..wire import encode as to_json

BATCH = 500
WORKERS = 4
"""More clients at once gain nothing: the exchange writes one line after the other."""
DATABASE_FAULT = -32000


class KamailioConfig(OutgoingConfig):
    """Keys of a `kamailio` entry; `url` is the address of its HTTP listener."""

    token: SecretStr = Field(min_length=16, description="The bearer, GCAL_TOKEN in its cfg.")
    number_format: NumberFormat = Field(
        default="national", description="How numbers are dialled on its gateway."
    )
    max_destinations: int = Field(default=10, ge=1, le=12, description="Branches of one call.")
    ring_seconds: int | None = Field(default=None, ge=1, description="How long destinations ring.")
    caller_number: Literal["caller", "own", "either", "unknown"] = Field(
        default="caller", description="Whose number the called person sees."
    )


class KamailioTelephony:
    """One Kamailio; safe to use from several threads."""

    def __init__(
        self,
        name: str,
        url: str,
        token: str,
        *,
        capabilities: Capabilities | None = None,
        timeout: float = 5.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.name = name
        self.capabilities = capabilities or capabilities_of()
        self._client = ExchangeClient(
            url,
            timeout=timeout,
            transport=transport,
            headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        )
        self._ids = itertools.count(1)

    def replace(
        self,
        line: Line,
        destinations: frozenset[Destination],
        *,
        revision: int,
        expires_at: datetime | None = None,
    ) -> Applied:
        wanted = check_set(destinations, maximum=self.capabilities.max_destinations)
        held, second = self._set(line, of_set(wanted, revision, expires_at))
        if expires_at is not None and second >= math.ceil(expires_at.timestamp()):
            wanted = frozenset()
        return judge(wanted, revision, held.applied(second))

    def replace_many(self, states: Sequence[LineState]) -> list[BulkResult]:
        return one_by_one(self, states, WORKERS)

    def replace_plan(
        self, line: Line, windows: Sequence[PlanWindow], *, valid_until: datetime, revision: int
    ) -> Applied:
        held, second = self._set(line, of_windows(windows, valid_until, revision))
        return judge_plan(revision, held.applied(second))

    def read(self, line: Line) -> Applied:
        held, second = _held(self._call("gcal.get", key_of(line)))
        return held.applied(second)

    def read_all(self) -> Iterator[LineState]:
        second = int(time.time())
        entries = self._call("gcal.dump")
        for entry in entries if isinstance(entries, list) else []:
            for slot in entry.get("slot", []):
                domain, _, extension = str(slot.get("name")).rpartition("/")
                line = Line(domain, extension)
                try:
                    held = decode(str(slot.get("value"))).applied(second)
                except ForeignForward as error:
                    yield LineState(line, frozenset(), 0, odd=str(error))
                else:
                    yield LineState(line, held.destinations, held.revision)

    def check(self) -> Health:
        began = time.monotonic()
        try:
            answer = self._call("gcal.get", "check.invalid/0")
            _, second = _held(answer)
        except TelephonyError as error:
            return Health(False, str(error))
        facts = {"url": self._client.url, "clock_ahead_s": f"{second - time.time():.0f}"}
        return Health(True, f"answered in {(time.monotonic() - began) * 1000:.0f} ms", facts)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _set(self, line: Line, timeline: Timeline) -> tuple[Timeline, int]:
        key = key_of(line)
        check_width(timeline, self.capabilities.max_destinations)
        value = encode(timeline, self.capabilities.number_format)
        return _held(self._call("gcal.set", key, value))

    def _call(self, method: str, *params: str) -> Any:
        number = next(self._ids) % 1_000_000_000
        body = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        answer = body_of(self._client.send("POST", "/gcal", to_json(body).encode()))
        if not isinstance(answer, dict) or answer.get("id") != number:
            raise Temporary("the answer is not one to our question")
        fault = answer.get("error")
        if isinstance(fault, dict):
            said = f"{fault.get('code')}: {fault.get('message')}"
            raise Temporary(said) if fault.get("code") == DATABASE_FAULT else TelephonyError(said)
        return answer.get("result")


def key_of(line: Line) -> str:
    """The line as Kamailio names it; domains know no upper case."""
    check_line(line)
    return f"{line.domain.lower()}/{line.extension}"


def capabilities_of(
    *,
    number_format: NumberFormat = "national",
    max_destinations: int = 10,
    ring_seconds: int | None = None,
    caller_number: Literal["caller", "own", "either", "unknown"] = "caller",
) -> Capabilities:
    """What the shipped include can do."""
    return Capabilities(
        max_destinations=max_destinations,
        ring_seconds=ring_seconds,
        caller_number=caller_number,
        without_answer="ends",
        number_format=number_format,
        fences=True,
        bulk=BATCH,
        plan=True,
        expiry=True,
    )


def build(name: str, config: dict[str, Any]) -> KamailioTelephony:
    """A `kamailio` entry of the settings."""
    keys = KamailioConfig(**config)
    return KamailioTelephony(
        name,
        keys.url,
        keys.token.get_secret_value(),
        capabilities=capabilities_of(
            number_format=keys.number_format,
            max_destinations=keys.max_destinations,
            ring_seconds=keys.ring_seconds,
            caller_number=keys.caller_number,
        ),
        timeout=keys.timeout,
        transport=GuardedTransport(keys.policy, timeout=keys.timeout),
    )


def _held(result: Any) -> tuple[Timeline, int]:
    """What the exchange holds, and its own second at that moment."""
    try:
        value, second = result["value"], int(result["at"])
    except (KeyError, TypeError, ValueError) as error:
        raise Temporary("the answer does not say what is held") from error
    return (decode(value) if value else Timeline(0, ())), second
