"""A child process in its own group, with its output in a file, that cannot outlive its parent."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self


class ServerMissing(RuntimeError):
    """A server that the tests need is not installed; `.ci/servers` installs it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not installed: run `.ci/servers` (or `make test`), as root")


class ChildFailed(RuntimeError):
    """A child ended, or said nothing of what was waited for; the text has the end of its log."""


def find_program(name: str, *more_folders: str) -> str:
    """The path of an installed program; raises ServerMissing by its name."""
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", *more_folders])
    found = shutil.which(name, path=places)
    if found is None:
        raise ServerMissing(name)
    return found


def become(user: str) -> list[str]:
    """Options of setpriv that turn root into a system user."""
    account = pwd.getpwnam(user)
    return [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups"]


class Child:
    """One started program. Use it as a context manager, or call `stop()` yourself.

    `log` collects stdout and stderr. `user` starts it as another system user (as root only).
    `on_parent_death` is what the kernel sends it when this process dies without cleaning up.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        name: str = "",
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        on_parent_death: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.command = [str(part) for part in command]
        self.name = name or Path(self.command[0]).name
        self.log = log
        self.cwd = cwd
        self.env = {**os.environ, **(env or {})}
        self._guard = ["setpriv", f"--pdeathsig={on_parent_death.name.removeprefix('SIG')}"]
        if user:
            self._guard += become(user)
        self._process: subprocess.Popen[bytes] | None = None
        self._read_from = 0

    # -- life --------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start it; what an earlier start wrote stays in the log."""
        if self.running:
            raise RuntimeError(f"{self.name} runs already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._read_from = output.tell()
            self._process = subprocess.Popen(
                [*self._guard, "--", *self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.cwd,
                env=self.env,
                process_group=0,
            )
        return self

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def wait(self, timeout: float = 15.0) -> int:
        """Wait for its end; gives the exit code, negative for a signal."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ChildFailed(f"{self.name} still runs after {timeout} s{self.tail()}") from None

    def stop(self, timeout: float = 15.0) -> None:
        """End it politely, and by force where that takes too long. Stopping twice is fine."""
        if self._process is None:
            return
        self.signal_group(signal.SIGCONT)
        self.signal_group(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):  # then by force, like any leftover
            self._process.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """SIGKILL the whole group, as a power cut of that one program."""
        if self._process is not None:
            self.signal_group(signal.SIGKILL)
            self._process.wait(15)

    def pause(self) -> None:
        """SIGSTOP: it hangs, holding its connections and locks."""
        self.signal_group(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after `pause()`."""
        self.signal_group(signal.SIGCONT)

    def signal_leader(self, number: signal.Signals) -> None:
        """Send a signal to the program alone, not to its children."""
        os.kill(self.pid, number)

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the program and its children; nothing happens when all are gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    # -- what it says ------------------------------------------------------------------------

    def output(self) -> str:
        """What it wrote since its last start."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as lines:
            lines.seek(self._read_from)
            return lines.read().decode(errors="replace")

    def tail(self, lines: int = 30) -> str:
        """The end of its output, to be put behind an error."""
        return f"; the end of {self.log}:\n" + "\n".join(self.output().splitlines()[-lines:])

    def wait_for(self, pattern: str, *, timeout: float = 20.0) -> re.Match[str]:
        """Wait until its output matches a regular expression; raises ChildFailed otherwise."""
        deadline = time.monotonic() + timeout
        expression = re.compile(pattern, re.MULTILINE)
        while True:
            ended = not self.running
            if match := expression.search(self.output()):
                return match
            if ended:
                raise ChildFailed(f"{self.name} ended with {self.returncode}{self.tail()}")
            if time.monotonic() > deadline:
                raise ChildFailed(f"{self.name}: no {pattern!r} in {timeout} s{self.tail()}")
            time.sleep(0.02)

    def __enter__(self) -> Self:
        return self if self.running else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
