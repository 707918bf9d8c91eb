"""Child processes that end with their parent, whatever way it goes."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class ChildEnded(RuntimeError):
    """A child ended, or did not get ready; the message holds the last lines it wrote."""


def _end_with_parent() -> None:
    """Runs in the child before it starts: a session of its own, and SIGTERM when we are gone."""
    os.setsid()
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """One running child; what it prints goes to `log`."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_for(self, words: str, seconds: float = 120.0) -> str:
        """The first line of the log with `words`; raises `ChildEnded` when it does not come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in self.log.read_text(errors="replace").splitlines():
                if words in line:
                    return line
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise ChildEnded(f"{self.name} did not get ready:\n{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        """The last lines that the child wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """Ask the child's whole session to end."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End what did not listen."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)


class Children:
    """Starts children, and ends them in the reverse order."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._logs.mkdir(parents=True, exist_ok=True)
        self._running: list[Child] = []

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> Child:
        """Start one child with a fresh log named after it."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 (our own programs, no shell)
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(os.environ if env is None else env),
                preexec_fn=_end_with_parent,  # noqa: PLW1509 (no threads run in the supervisor)
            )
        child = Child(name, process, log)
        self._running.append(child)
        return child

    def forget(self, child: Child) -> None:
        """Leave a child out of `ended` and `stop`: it has done its work."""
        self._running.remove(child)

    def ended(self) -> Child | None:
        """A child that ended by itself, or None."""
        return next((child for child in self._running if child.process.poll() is not None), None)

    def stop(self, seconds: float = 8.0) -> None:
        """End all of them: politely and together, the first started last, then for good."""
        for wave in (self._running[1:], self._running[:1]):
            for child in wave:
                child.stop()
            deadline = time.monotonic() + seconds
            for child in wave:
                while child.process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.02)
                child.kill()
                child.process.wait()
        self._running.clear()
