"""The `webhook` backend: bring your own exchange, behind a small signed HTTP contract.

Bodies are signed as Standard Webhooks. The receiver answers every write with the state it holds,
so that a write is judged by what came of it and not by its status.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

import httpx
from pydantic import BeforeValidator, Field, SecretStr
from standardwebhooks import Webhook

from ..domain.destination import Destination
from ..ports.telephony import (
    Applied,
    BulkResult,
    Capabilities,
    Health,
    Line,
    LineState,
    PlanWindow,
    TelephonyError,
    Unsupported,
)
from .bulk import results_of
from .exchange import utc_now
from .faults import webhook_secret
from .guarded import GuardedTransport
from .http import ExchangeClient, body_of
from .outgoing import OutgoingConfig
from .parallel import one_by_one
from .rendering import check_line, check_set
from .verdict import judge, judge_plan
from .wire import applied_from, encode, line_state_from, plan_json, state_json

BULK = 500
NO_BULK_SECONDS = 600.0
"""How long a 404 or 405 on the bulk address is remembered before it is tried again."""
PARALLEL = 8
"""Requests at once where many lines go one by one."""
LISTING_SECONDS = 60.0
"""How long a listing may take as a whole: what is older is no picture of one moment any more."""


class WebhookConfig(OutgoingConfig):
    """Keys of a `webhook` entry."""

    secret: Annotated[SecretStr, BeforeValidator(webhook_secret)] = Field(
        description="`whsec_` and base64 of at least 24 bytes, the same on both sides."
    )
    plan: bool = Field(default=False, description="The receiver takes plans.")
    max_destinations: int = Field(
        default=10, ge=1, le=50, description="The most that ring at once."
    )
    accepts_extensions: bool = Field(default=True, description="Extensions can be destinations.")
    chains_forwards: bool = Field(
        default=False, description="A forward to an extension follows that extension's forward."
    )
    ring_seconds: int | None = Field(default=None, ge=1, description="How long destinations ring.")
    answer_confirmation: bool = Field(default=False, description="Answering asks to press 1.")
    without_answer: Literal["ends", "own_route", "unknown"] = Field(
        default="unknown", description="What a call does when nobody answers."
    )


class WebhookTelephony:
    """An exchange behind the webhook contract; safe to use from several threads."""

    def __init__(
        self,
        name: str,
        url: str,
        secret: str,
        *,
        capabilities: Capabilities | None = None,
        timeout: float = 5.0,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.name = name
        self.capabilities = capabilities or Capabilities(
            max_destinations=10, fences=True, bulk=BULK
        )
        self._client = ExchangeClient(url, timeout=timeout, transport=transport)
        self._webhook = Webhook(secret)
        self._clock = clock
        self._no_bulk_until = 0.0

    def replace(
        self,
        line: Line,
        destinations: frozenset[Destination],
        *,
        revision: int,
        expires_at: datetime | None = None,
    ) -> Applied:
        if expires_at is not None:
            raise Unsupported("this exchange cannot end a forward by itself")
        wanted = self._checked(line, destinations)
        body = encode(state_json(line, wanted, revision))
        answer = self._send("PUT", f"{_path(line)}/forwards", body)
        return judge(wanted, revision, applied_from(answer))

    def replace_many(self, states: Sequence[LineState]) -> list[BulkResult]:
        return self.prepare_many(states).send()

    def prepare_many(self, states: Sequence[LineState]) -> PreparedWrites:
        """Check and encode now, sign and send later; a refused state fails alone."""
        refused: dict[Line, TelephonyError] = {}
        good = []
        for state in states:
            try:
                self._checked(state.line, state.destinations)
            except TelephonyError as error:
                refused[state.line] = error
            else:
                good.append(state)
        batches = [good[at : at + BULK] for at in range(0, len(good), BULK)]
        bodies = [(batch, _bulk_body(batch)) for batch in batches]
        return PreparedWrites(states, refused, bodies, self._bulk)

    def replace_plan(
        self, line: Line, windows: Sequence[PlanWindow], *, valid_until: datetime, revision: int
    ) -> Applied:
        if not self.capabilities.plan:
            raise Unsupported("this exchange takes no plans")
        self._checked(line, frozenset())
        for window in windows:
            self._checked(line, frozenset({window.destination}))
        body = encode(plan_json(line, windows, valid_until, revision))
        return judge_plan(revision, applied_from(self._send("PUT", f"{_path(line)}/plan", body)))

    def read(self, line: Line) -> Applied:
        check_line(line)
        return applied_from(self._send("GET", f"{_path(line)}/forwards"))

    def read_all(self) -> Iterator[LineState]:
        after, until = "", time.monotonic() + LISTING_SECONDS
        while time.monotonic() < until:
            query = f"?after={quote(after, safe='')}" if after else ""
            page = self._send("GET", f"/forwards{query}")
            states = page.get("states") if isinstance(page, dict) else None
            if not isinstance(states, list):
                raise TelephonyError("the receiver does not list its states")
            yield from (line_state_from(state) for state in states)
            following = page.get("next")
            if not isinstance(following, str) or not following or following == after:
                return
            after = following
        raise TelephonyError(f"the list of states had no end after {LISTING_SECONDS:.0f} s")

    def check(self) -> Health:
        began = time.monotonic()
        try:
            page = self._send("GET", "/forwards")
        except TelephonyError as error:
            return Health(False, str(error))
        held = len(page.get("states", [])) if isinstance(page, dict) else 0
        took = f"{(time.monotonic() - began) * 1000:.0f} ms"
        return Health(True, f"answered in {took}", {"url": self._client.url, "states": str(held)})

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _checked(self, line: Line, wanted: frozenset[Destination]) -> frozenset[Destination]:
        check_line(line)
        return check_set(
            wanted,
            maximum=self.capabilities.max_destinations,
            extensions=self.capabilities.accepts_extensions,
        )

    def _send(self, method: str, path: str, body: str = "") -> Any:
        return body_of(self._answer(method, path, body))

    def _answer(self, method: str, path: str, body: str) -> httpx.Response:
        now = self._clock()
        message = f"msg_{uuid.uuid4().hex}"
        headers = {
            "webhook-id": message,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(message, now, body),
        }
        if not body:
            return self._client.send(method, path, headers=headers)
        headers["content-type"] = "application/json"
        return self._client.send(method, path, body.encode(), headers)

    def _bulk(self, batch: Sequence[LineState], body: str) -> list[BulkResult]:
        """One batch in one request; line by line where the receiver has no bulk address."""
        if time.monotonic() < self._no_bulk_until:
            return one_by_one(self, batch, PARALLEL)
        try:
            response = self._answer("PUT", "/forwards", body)
            if response.status_code in (404, 405):
                self._no_bulk_until = time.monotonic() + NO_BULK_SECONDS
                return one_by_one(self, batch, PARALLEL)
            return results_of(batch, body_of(response))
        except TelephonyError as error:
            return [BulkResult(state.line, error=error) for state in batch]


class PreparedWrites:
    """Checked and encoded batches of at most 500 states, waiting for `send`."""

    def __init__(
        self,
        states: Sequence[LineState],
        refused: Mapping[Line, TelephonyError],
        bodies: Sequence[tuple[Sequence[LineState], str]],
        send: Callable[[Sequence[LineState], str], list[BulkResult]],
    ) -> None:
        self._states = states
        self._refused = refused
        self._bodies = bodies
        self._send = send

    def send(self) -> list[BulkResult]:
        """Sign and send every batch; one result per state, in the order they were given."""
        found = {line: BulkResult(line, error=error) for line, error in self._refused.items()}
        for results in self._sent():
            found.update((result.line, result) for result in results)
        return [found[state.line] for state in self._states]

    def _sent(self) -> Iterator[list[BulkResult]]:
        if len(self._bodies) == 1:
            yield self._send(*self._bodies[0])
            return
        # Two on their way: while the receiver works on one, we read the answer to the other.
        with ThreadPoolExecutor(2) as pool:
            yield from pool.map(lambda body: self._send(*body), self._bodies)


def build(name: str, config: dict[str, Any]) -> WebhookTelephony:
    """A `webhook` entry of the settings, with the guard on outgoing addresses."""
    keys = WebhookConfig(**config)
    capabilities = Capabilities(
        max_destinations=keys.max_destinations,
        accepts_extensions=keys.accepts_extensions,
        chains_forwards=keys.chains_forwards,
        ring_seconds=keys.ring_seconds,
        answer_confirmation=keys.answer_confirmation,
        without_answer=keys.without_answer,
        fences=True,
        bulk=BULK,
        plan=keys.plan,
    )
    return WebhookTelephony(
        name,
        keys.url,
        keys.secret.get_secret_value(),
        capabilities=capabilities,
        timeout=keys.timeout,
        transport=GuardedTransport(keys.policy, timeout=keys.timeout),
    )


def _path(line: Line) -> str:
    return f"/domains/{quote(line.domain, safe='')}/extensions/{quote(line.extension, safe='')}"


def _bulk_body(batch: Sequence[LineState]) -> str:
    states = [state_json(state.line, state.destinations, state.revision) for state in batch]
    return encode({"states": states})
