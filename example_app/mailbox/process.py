"""Start a mailbox as its own process and read what it caught: for tests and the launcher."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx


class MailboxProcess:
    """One mailbox in a child process; use it as a context manager."""

    def __init__(self, folder: Path, *, port: int = 0, smtp_port: int = 0) -> None:
        self._arguments = ["--data", str(folder), "--port", str(port)]
        self._arguments += ["--smtp-port", str(smtp_port)]
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        self.smtp_port = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 (our own interpreter, our own module)
            [sys.executable, "-m", "example_app.mailbox", *self._arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert self._process.stdout is not None
        words = self._process.stdout.readline().split()
        if len(words) != 3 or words[0] != "ready":
            self._process.stdout.close()
            raise RuntimeError(f"the mailbox ended with {self._process.wait()}")
        self.url = words[1]
        self.smtp_port = int(words[2].rpartition(":")[2])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            if self._process.stdout:
                self._process.stdout.close()

    def mails(self, to: str | None = None) -> list[dict[str, Any]]:
        """What was caught, the oldest first; `to` narrows it down to one recipient."""
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/mails.json", timeout=10).json()
        return [one for one in reversed(found) if to is None or to in one["to"]]

    def wait_for(self, to: str, words: str, *, timeout: float = 20) -> dict[str, Any]:
        """The newest letter to somebody with these words in its subject; TimeoutError if none."""
        deadline = time.monotonic() + timeout
        while True:
            found = [one for one in self.mails(to) if words in one["subject"]]
            if found:
                return found[-1]
            if time.monotonic() > deadline:
                seen = [one["subject"] for one in self.mails(to)]
                raise TimeoutError(f"no mail to {to} with {words!r}; there are: {seen}")
            time.sleep(0.1)

    def clear(self) -> None:
        """Throw all letters away."""
        httpx.post(f"{self.url}/clear", timeout=10, follow_redirects=True).raise_for_status()
