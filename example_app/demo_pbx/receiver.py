"""The receiving side of the webhook contract: verify, decide, answer what is held."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from standardwebhooks import Webhook, WebhookVerificationError

from gcal_plugin.ports.telephony import InvalidDestination, Line, UnknownExtension
from gcal_plugin.telephony.exchange import Held, MemoryExchange
from gcal_plugin.telephony.rendering import check_line
from gcal_plugin.telephony.wire import (
    destination_from,
    destination_json,
    moment,
    state_json,
    windows_from,
)

from .faults import Fault, Faults

PAGE = 500
BULK = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body; `None` as status hangs up without an answer."""

    status: int | None
    body: Any = None
    retry_after: int | None = None


class Refused(Exception):
    """A request that is answered with an error; nothing has changed."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.answer = Answer(status, {"error": message, **more})


class Receiver:
    """Serves one exchange; safe to use from several threads."""

    def __init__(self, exchange: MemoryExchange, secret: str, faults: Faults) -> None:
        self.exchange = exchange
        self.faults = faults
        self._webhook = Webhook(secret)

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One request below the contract's base address."""
        url = urlsplit(target)
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        try:
            self._verify(headers, body)
            if parts == ["forwards"]:
                return self._many(method, url.query, body)
            if len(parts) == 5 and parts[0] == "domains" and parts[2] == "extensions":
                return self._one(method, Line(parts[1], parts[3]), parts[4], body)
            raise Refused(404, "no such address")
        except Refused as refused:
            return refused.answer
        except UnknownExtension as error:
            return Answer(404, {"error": str(error), "code": "unknown_extension"})
        except InvalidDestination as error:
            return Answer(422, {"error": str(error), **_named(error)})

    def _verify(self, headers: Mapping[str, str], body: bytes) -> None:
        try:
            self._webhook.verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError) as error:
            raise Refused(401, f"signature: {error}") from None

    def _one(self, method: str, line: Line, what: str, body: bytes) -> Answer:
        fault = self.faults.take(line.domain)
        early = _failing(fault)
        if early is not None:
            return early
        if method == "GET" and what == "forwards":
            return Answer(200, self._state(check_line(line)))
        if method != "PUT" or what not in ("forwards", "plan"):
            raise Refused(405, "not done here")
        state = _object(body)
        if (state.get("domain"), state.get("extension")) != (line.domain, line.extension):
            raise Refused(400, "the body is about another line than the address")
        held = _plan(state) if what == "plan" else _set(state)
        self.exchange.check(check_line(line), held)
        if not fault.ignore_writes:
            self.exchange.put(line, held)
        return Answer(None) if fault.cut_after_apply else Answer(200, self._state(line))

    def _many(self, method: str, query: str, body: bytes) -> Answer:
        fault = self.faults.take(None)
        early = _failing(fault)
        if early is not None:
            return early
        if method == "GET":
            return self._page(parse_qs(query).get("after", [""])[0])
        if method != "PUT" or fault.no_bulk:
            raise Refused(404, "no bulk writes here")
        states = _object(body).get("states")
        if not isinstance(states, list) or len(states) > BULK:
            raise Refused(400, f"states must be a list of at most {BULK}")
        wanted: list[tuple[Line, Held]] = []
        results: list[dict[str, Any]] = []
        for place, state in enumerate(states, start=1):
            entry, held = self._entry(state, place, fault)
            results.append(entry)
            if held is not None:
                wanted.append((Line(entry["domain"], entry["extension"]), held))
        if not fault.ignore_writes:
            self.exchange.put_many(wanted)
        for entry in results:
            if entry["ok"]:
                entry.update(self._state(Line(entry["domain"], entry["extension"])))
        return Answer(None) if fault.cut_after_apply else Answer(200, {"results": results})

    def _entry(self, state: Any, place: int, fault: Fault) -> tuple[dict[str, Any], Held | None]:
        """One line's result before anything is written, and what is to be written."""
        if not isinstance(state, dict):
            raise Refused(400, "a state is an object")
        line = Line(str(state.get("domain")), str(state.get("extension")))
        entry: dict[str, Any] = {"domain": line.domain, "extension": line.extension, "ok": False}
        if fault.domains is not None and line.domain not in fault.domains:
            fault = Fault()
        if fault.partial and place % fault.partial == 0:
            return {**entry, "permanent": False, "error": "told to fail"}, None
        entry["permanent"] = True
        try:
            held = _set(state)
            self.exchange.check(check_line(line), held)
        except UnknownExtension as error:
            return {**entry, "code": "unknown_extension", "error": str(error)}, None
        except InvalidDestination as error:
            return {**entry, "error": str(error), **_named(error)}, None
        except Refused as refused:
            return {**entry, **refused.answer.body}, None
        return {"domain": line.domain, "extension": line.extension, "ok": True}, held

    def _page(self, after: str) -> Answer:
        start: Line | None = None
        if after:
            domain, _, extension = after.rpartition("/")
            start = Line(domain, extension)
        states, more = self.exchange.page(start, PAGE)
        body: dict[str, Any] = {
            "states": [state_json(one.line, one.destinations, one.revision) for one in states],
            "next": f"{states[-1].line.domain}/{states[-1].line.extension}" if more else None,
        }
        return Answer(200, body)

    def _state(self, line: Line) -> dict[str, Any]:
        applied = self.exchange.applied(line)
        return state_json(line, applied.destinations, applied.revision)


def _failing(fault: Fault) -> Answer | None:
    if fault.unreachable:
        return Answer(None)
    if fault.status is not None:
        return Answer(fault.status, {"error": fault.error}, fault.retry_after)
    return None


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        raise Refused(400, "the body is not JSON") from None
    if not isinstance(value, dict):
        raise Refused(400, "the body is not an object")
    return value


def _set(state: dict[str, Any]) -> Held:
    values = state.get("destinations")
    if not isinstance(values, list):
        raise Refused(400, "destinations must be a list")
    return Held(frozenset(destination_from(value) for value in values), _revision(state))


def _plan(state: dict[str, Any]) -> Held:
    try:
        windows = windows_from(state["windows"])
        held = Held(windows=windows, valid_until=moment(state["valid_until"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(400, f"not a plan: {error}") from None
    return replace(held, revision=_revision(state))


def _revision(state: dict[str, Any]) -> int:
    revision = state.get("revision")
    if not isinstance(revision, int) or isinstance(revision, bool) or revision < 1:
        raise Refused(400, "revision must be a whole number from 1")
    return revision


def _named(error: InvalidDestination) -> dict[str, Any]:
    more: dict[str, Any] = {"code": "invalid_destination"}
    if error.destination is not None:
        more["destination"] = destination_json(error.destination)
    return more
