"""The back door for tests and demonstrations: history, faults, and which lines exist."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from gcal_plugin.ports.telephony import Line
from gcal_plugin.telephony.rendering import parse
from gcal_plugin.telephony.wire import instant, moment, state_json

from .faults import Faults
from .journal import write_json
from .receiver import Answer


class Control:
    """Everything below `/_control/`; not signed, so the server listens on loopback only."""

    def __init__(self, exchange: Any, faults: Faults) -> None:
        self._exchange = exchange
        self._faults = faults

    def handle(self, method: str, target: str, body: bytes) -> Answer:
        """One request."""
        url = urlsplit(target)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        what = url.path.removeprefix("/_control/")
        try:
            if what == "history" and method == "GET":
                return self._history(int(query.get("since", "0")))
            if what == "rings" and method == "GET":
                return self._rings(query)
            if what == "faults" and method in ("POST", "PUT"):
                return Answer(200, self._faults.set(json.loads(body)).model_dump(mode="json"))
            if what == "faults" and method == "DELETE":
                self._faults.clear()
                return Answer(200, {})
            if what == "exchange" and method in ("POST", "PUT"):
                return self._lines(json.loads(body))
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            return Answer(400, {"error": str(error)})
        return Answer(404, {"error": "no such control"})

    def _history(self, since: int) -> Answer:
        writes = self._exchange.history[since:]
        return Answer(
            200, {"next": since + len(writes), "writes": [write_json(write) for write in writes]}
        )

    def _rings(self, query: Mapping[str, str]) -> Answer:
        """Who rings at a line, now or `at` another instant."""
        line = Line(query["domain"], query["extension"])
        at = moment(query["at"]) if "at" in query else self._exchange.clock()
        applied = self._exchange.applied(line, at)
        body = state_json(line, applied.destinations, applied.revision)
        return Answer(200, {**body, "at": instant(at)})

    def _lines(self, body: dict[str, Any]) -> Answer:
        """Which lines exist (`lines`: null for all), and which destinations are refused."""
        if "lines" in body:
            lines = body["lines"]
            self._exchange.lines = (
                None if lines is None else {key: frozenset(value) for key, value in lines.items()}
            )
        if "refused" in body:
            self._exchange.refused = frozenset(parse(text) for text in body["refused"])
        return Answer(200, {})
