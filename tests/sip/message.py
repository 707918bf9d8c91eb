"""As much of SIP as phones and a caller need: reading a message, answering it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Message:
    """A request or an answer: its first line, its headers in order, its body."""

    first: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @classmethod
    def read(cls, data: bytes) -> Message:
        """From the wire."""
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        headers = []
        for line in lines:
            name, _, value = line.partition(":")
            headers.append((name.strip().lower(), value.strip()))
        return cls(first, headers, body)

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        """The first value of a header, or nothing."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def method(self) -> str:
        """Of a request; of an answer the method it answers."""
        if self.first.startswith("SIP/2.0"):
            return self.one("cseq").split()[-1]
        return self.first.split(" ", 1)[0]

    @property
    def status(self) -> int:
        """Of an answer; 0 for a request."""
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0

    @property
    def user(self) -> str:
        """Whom a request is for."""
        return self.first.split()[1].removeprefix("sip:").partition("@")[0]

    def answer(self, status: int, reason: str, tag: str, more: str = "") -> bytes:
        """The bytes of an answer to this request."""
        lines = [f"SIP/2.0 {status} {reason}"]
        lines += [f"Via: {value}" for value in self.all("via")]
        lines += [f"Record-Route: {value}" for value in self.all("record-route")]
        to = self.one("to")
        lines += [
            f"From: {self.one('from')}",
            f"To: {to if ';tag=' in to else f'{to};tag={tag}'}",
            f"Call-ID: {self.one('call-id')}",
            f"CSeq: {self.one('cseq')}",
        ]
        if more:
            lines.append(more)
        return ("\r\n".join([*lines, "Content-Length: 0"]) + "\r\n\r\n").encode()
