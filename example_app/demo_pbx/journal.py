"""What the exchange holds, as one line of JSON a write: read at the start, appended ever after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from gcal_plugin.ports.telephony import Line
from gcal_plugin.telephony.exchange import Held, Write
from gcal_plugin.telephony.rendering import ordered
from gcal_plugin.telephony.wire import (
    destination_from,
    destination_json,
    instant,
    moment,
    windows_from,
)


def write_json(write: Write) -> dict[str, Any]:
    """One write: when, whose, what it holds since."""
    held = write.held
    body: dict[str, Any] = {
        "at": instant(write.at),
        "domain": write.line.domain,
        "extension": write.line.extension,
        "destinations": [destination_json(one) for one in ordered(held.destinations)],
        "revision": held.revision,
    }
    if held.valid_until is not None:
        body["valid_until"] = instant(held.valid_until)
        body["windows"] = [
            {
                "start": instant(window.start),
                "end": instant(window.end),
                "destination": destination_json(window.destination),
            }
            for window in held.windows
        ]
    return body


def write_from(body: dict[str, Any]) -> Write:
    """The reverse."""
    valid_until: datetime | None = None
    if "valid_until" in body:
        valid_until = moment(body["valid_until"])
    held = Held(
        destinations=frozenset(destination_from(one) for one in body["destinations"]),
        revision=body["revision"],
        windows=windows_from(body.get("windows", ())),
        valid_until=valid_until,
    )
    return Write(moment(body["at"]), Line(body["domain"], body["extension"]), held)


class Journal:
    """A file of writes. A line that a power cut left half written is dropped at the next start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._whole = self._mend()
        self._file = path.open("ab", buffering=0)

    def read(self) -> Iterator[Write]:
        """Every write so far, oldest first."""
        for line in self._whole.splitlines():
            yield write_from(json.loads(line))
        self._whole = b""

    def append(self, writes: Sequence[Write]) -> None:
        """Keep these; one system call, so a batch is in the file whole or not at all."""
        lines = [json.dumps(write_json(write), separators=(",", ":")) for write in writes]
        self._file.write(("\n".join(lines) + "\n").encode())

    def _mend(self) -> bytes:
        if not self._path.exists():
            return b""
        raw = self._path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if whole != raw:
            self._path.write_bytes(whole)
        return whole
