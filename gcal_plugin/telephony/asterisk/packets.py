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
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LARGEST_PACKET:
                raise Temporary("the manager sends a line without an end")
            left = deadline - time.monotonic()
            if left <= 0:
                raise Temporary("no answer of the manager in time")
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(65536)
            except TimeoutError as error:
                raise Temporary("no answer of the manager in time") from error
            except OSError as error:
                raise Lost(f"the manager is gone: {error}") from error
            if not data:
                raise Lost("the manager hung up")
            self._buffer += data
        raw = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return raw.rstrip(b"\r").decode("utf-8", "replace")

    def packet(self, deadline: float) -> Packet:
        """The next response or event."""
        packet = Packet()
        while True:
            line = self.line(deadline)
            if not line:
                if packet.headers:
                    return packet
                continue
            name, _, value = line.partition(":")
            packet.headers.append((name.strip().lower(), value.removeprefix(" ")))
