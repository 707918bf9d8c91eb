"""The letters that were caught, as files: `<number>.eml`, in the order in which they came."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

_ENVELOPE = "X-Caught-For"


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter as it was caught."""

    number: int
    to: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part is not None else ""

    def as_json(self) -> dict[str, object]:
        """What tests and the page read."""
        return {
            "number": self.number,
            "to": list(self.to),
            "from": str(self.message["From"] or ""),
            "subject": self.subject,
            "message_id": str(self.message["Message-ID"] or ""),
            "date": str(self.message["Date"] or ""),
            "text": self.text,
            "html": self.html,
        }


class Kept:
    """A folder of letters; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, to: tuple[str, ...], content: bytes) -> int:
        """Keep one letter; answers its number."""
        with self._lock:
            number = max((self._number(path) for path in self._files()), default=0) + 1
            head = f"{_ENVELOPE}: {', '.join(to)}\r\n".encode("ascii", "replace")
            draft = self._folder / f"{number:06}.draft"
            draft.write_bytes(head + content)
            draft.rename(draft.with_suffix(".eml"))
            return number

    def all(self) -> list[Letter]:
        """Every letter, the newest first."""
        return [self._read(path) for path in reversed(self._files())]

    def one(self, number: int) -> Letter | None:
        """A letter by its number."""
        path = self._folder / f"{number:06}.eml"
        return self._read(path) if path.is_file() else None

    def clear(self) -> None:
        """Throw all of them away."""
        with self._lock:
            for path in self._files():
                path.unlink()

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.eml"))

    @staticmethod
    def _number(path: Path) -> int:
        return int(path.stem)

    def _read(self, path: Path) -> Letter:
        parsed = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
        assert isinstance(parsed, EmailMessage)
        to = tuple(part.strip() for part in str(parsed[_ENVELOPE] or "").split(",") if part.strip())
        return Letter(self._number(path), to, parsed)
