"""The manager's lines: packets of headers, a blank line between them, events in between."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping

from ...ports.telephony import Temporary

LONGEST_LINE = 1024
"""The manager drops longer lines of ours; its own may be longer."""
PIECE = 16 * 1024
LARGEST_PACKET = 4 * 1024 * 1024


class Lost(Temporary):
    """The connection ended; a new one may work at once."""


class Packet:
    """One response or event, as text; a header is looked for when it is asked for."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = f"\r\n{text}\r\n"

    def get(self, name: str) -> str:
        """The first value of a header, spelled as Asterisk spells it, or nothing."""
        before = f"\r\n{name}:"
        place = self._text.find(before)
        if place < 0:
            return ""
        place += len(before)
        return self._text[place : self._text.index("\r\n", place)].removeprefix(" ")

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        pairs = (line.partition(":") for line in self._text.split("\r\n"))
        return [value.removeprefix(" ") for key, _, value in pairs if key == name]

    @property
    def succeeded(self) -> bool:
        """Whether a response says yes."""
        if self._text.startswith("\r\nResponse: Success\r\n"):
            return True
        return self.get("Response").lower() in ("success", "follows")


def render(action: str, number: str, headers: Mapping[str, str]) -> bytes:
    """An action as bytes; ValueError where a value would become a header of its own."""
    text = f"Action: {action}\r\nActionID: {number}\r\n"
    for name, value in headers.items():
        text += f"{name}: {value}\r\n"
    lines = 2 + len(headers)
    if text.count("\n") != lines or text.count("\r") != lines or not text.isascii():
        raise ValueError(f"{action}: a value has characters that end a line")
    if len(text) >= LONGEST_LINE and max(map(len, text.split("\r\n"))) >= LONGEST_LINE:
        raise ValueError(f"{action}: a line is longer than the 1024 that the manager takes")
    return f"{text}\r\n".encode()


class Reader:
    """Lines and packets from a socket, however the bytes are cut up."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray()

    def line(self, deadline: float) -> str:
        """One line without its end; `Temporary` after the deadline (monotonic seconds)."""
        end = self._find(b"\n", 0, deadline)
        return self._take(0, end, end + 1).rstrip("\r")

    def packet(self, number: str, deadline: float) -> Packet:
        """The next response or event with this ActionID; what belongs to others is passed over."""
        ours = f"\r\nActionID: {number}\r\n".encode()
        seen = 0
        while (place := self._buffer.find(ours, seen)) < 0:
            seen = max(0, len(self._buffer) - len(ours))
            self._buffer += self._more(deadline)
            if len(self._buffer) > LARGEST_PACKET:
                seen = self._pass_over()
        end = self._find(b"\r\n\r\n", place, deadline)
        start = self._buffer.rfind(b"\r\n\r\n", 0, place) + 4
        return Packet(self._take(start if start >= 4 else 0, end, end + 4))

    def _pass_over(self) -> int:
        """Forget the whole packets of others so far; `Temporary` where there is none."""
        end = self._buffer.rfind(b"\r\n\r\n")
        if end < 0:
            raise Temporary("the manager sends what has no end")
        del self._buffer[: end + 4]
        return 0

    def _find(self, what: bytes, start: int, deadline: float) -> int:
        while (place := self._buffer.find(what, start)) < 0:
            if len(self._buffer) > LARGEST_PACKET:
                raise Temporary("the manager sends what has no end")
            start = max(start, len(self._buffer) - len(what))
            self._buffer += self._more(deadline)
        return place

    def _take(self, start: int, end: int, rest: int) -> str:
        text = self._buffer[start:end].decode("utf-8", "replace")
        del self._buffer[:rest]
        return text

    def _more(self, deadline: float) -> bytes:
        if time.monotonic() >= deadline:
            raise Temporary("no answer of the manager in time")
        try:
            data = self._socket.recv(PIECE)
        except (TimeoutError, BlockingIOError) as error:
            raise Temporary("no answer of the manager in time") from error
        except OSError as error:
            raise Lost(f"the manager is gone: {error}") from error
        if not data:
            raise Lost("the manager hung up")
        return data
