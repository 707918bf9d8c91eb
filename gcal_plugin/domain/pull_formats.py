"""Who rings now, written for an exchange that asks at each call.

`plain`: one destination a line. `json`: a list of kind and value. `twiml`: a `<Dial>` with at most
ten `<Number>`s. `voipgrid`: the webhook answer of that platform, which takes one destination.
An empty answer means: the extension's own route.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from gcal_plugin.domain.destination import Destination

TWIML_MOST = 10

_TEXT = "text/plain; charset=utf-8"


def _plain(destinations: Sequence[Destination]) -> tuple[str, str]:
    return "".join(f"{one.value}\n" for one in destinations), _TEXT


def _json(destinations: Sequence[Destination]) -> tuple[str, str]:
    pairs = [{"kind": one.kind.value, "value": one.value} for one in destinations]
    return json.dumps({"destinations": pairs}) + "\n", "application/json"


def _twiml(destinations: Sequence[Destination]) -> tuple[str, str]:
    # A value is digits with at most a + in front (`Destination` insists): nothing to escape.
    numbers = "".join(f"<Number>{one.value}</Number>" for one in destinations[:TWIML_MOST])
    dial = f"<Dial>{numbers}</Dial>" if numbers else ""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Response>{dial}</Response>\n'
    return body, "application/xml"


def _voipgrid(destinations: Sequence[Destination]) -> tuple[str, str]:
    if not destinations:
        return "status=NAK\n", _TEXT
    first = destinations[0]
    kind = "fixeddestination" if first.is_number else "internal"
    return f"status=ACK&destination={first.value.lstrip('+')}&type={kind}\n", _TEXT


FORMATS: dict[str, Callable[[Sequence[Destination]], tuple[str, str]]] = {
    "plain": _plain,
    "json": _json,
    "twiml": _twiml,
    "voipgrid": _voipgrid,
}


def render(form: str, destinations: Sequence[Destination]) -> tuple[str, str]:
    """Answer the body and its content type; KeyError for a form that is none of `FORMATS`."""
    return FORMATS[form](destinations)
