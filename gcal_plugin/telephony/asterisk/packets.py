"""The manager's lines: packets of headers, a blank line between them, events in between."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field

from ...ports.telephony import Temporary

LONGEST_LINE = 1024
"""The manager drops longer lines of ours; its own may be longer."""
LARGEST_PACKET = 4 * 1024 * 1024


class Lost(Temporary):
    """The connection ended; a new one may work at once."""


@dataclass(slots=True)
class Packet:
    """One response or event; header names in lower case, repeated headers in order."""

    headers: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str) -> str:
        """The first value of a header, or nothing."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key == name]

    @property
    def succeeded(self) -> bool:
        """Whether a response says yes."""
        return self.get("response").lower() in ("success", "follows")


def render(action: str, number: str, headers: list[tuple[str, str]]) -> bytes:
    """An action as bytes; ValueError where a value would become a header of its own."""
    lines = [f"Action: {action}", f"ActionID: {number}"]
    lines += [f"{name}: {value}" for name, value in headers]
    for line in lines:
        if "\r" in line or "\n" in line or not line.isascii():
            raise ValueError(f"{action}: a value has characters that end a line")
        if len(line) >= LONGEST_LINE:
            raise ValueError(f"{action}: a line of {len(line)} characters, the manager takes 1024")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Reader:
    """Lines and packets from a socket, however the bytes are cut up."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray()

    def line(self, deadline: float) -> str:
        """One line without its end; `Temporary` after the deadline (monotonic seconds)."""
        return self._until(b"\n", deadline).rstrip(b"\r").decode("utf-8", "replace")

    def packet(self, number: str, deadline: float) -> Packet:
        """The next response or event with this ActionID; what belongs to others is passed over."""
        ours = f"\r\nActionID: {number}\r\n".encode()
        while ours not in (raw := self._until(b"\r\n\r\n", deadline) + b"\r\n"):
            pass
        lines = raw.decode("utf-8", "replace").split("\r\n")
        parts = [line.partition(":") for line in lines if line]
        return Packet([(name.lower(), value.removeprefix(" ")) for name, _, value in parts])

    def _until(self, end: bytes, deadline: float) -> bytes:
        """What comes before `end`, which is taken too."""
        seen = 0
        while (place := self._buffer.find(end, seen)) < 0:
            if len(self._buffer) > LARGEST_PACKET:
                raise Temporary("the manager sends what has no end")
            seen = max(0, len(self._buffer) - len(end))
            self._buffer += self._more(deadline)
        raw = bytes(self._buffer[:place])
        del self._buffer[: place + len(end)]
        return raw

    def _more(self, deadline: float) -> bytes:
        if time.monotonic() >= deadline:
            raise Temporary("no answer of the manager in time")
        try:
            data = self._socket.recv(65536)
        except (TimeoutError, BlockingIOError) as error:
            raise Temporary("no answer of the manager in time") from error
        except OSError as error:
            raise Lost(f"the manager is gone: {error}") from error
        if not data:
            raise Lost("the manager hung up")
        return data
