"""A newcomer's terminal: bash in a clean environment, in which the documentation's lines are typed.

Nothing of the environment that runs the tests is in it, but where pip finds packages here.
"""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from .package import ROOT

_CERTIFICATES = {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
_PIP = re.compile(r"^(?:global|install|:env:)\.([\w-]+)=(.+)$", re.MULTILINE)
_ADDED = {"PIP_FIND_LINKS", "PIP_CONSTRAINT"}
"""Settings of pip that hold a list, to which ours is added."""


def clean_environment(
    folder: Path, *, wheels: Path, pinned: bool, python: Path | None = None
) -> dict[str, str]:
    """The environment of somebody who just logged in: a home, the system's programs, `python3`.

    `python` is what `python3` is here (default: the one below this environment). pip asks
    where it asks on this machine, and `wheels` too; `pinned` holds what it takes to the versions
    of `requirements/runtime.txt`, so that a run can be repeated.
    """
    for name in ("home", "bin"):
        (folder / name).mkdir()
    (folder / "bin" / "python3").symlink_to(python or Path(sys.executable).resolve())
    env = {
        "HOME": str(folder / "home"),
        "PATH": f"{folder / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }
    env |= {
        key: value
        for key, value in os.environ.items()
        if key in _CERTIFICATES or key.lower() in _PROXIES
    }
    env |= _pip_settings()
    ours = {"PIP_FIND_LINKS": str(wheels)}
    if pinned:
        ours["PIP_CONSTRAINT"] = str(_pins(folder / "pins.txt"))
    return env | {key: f"{value} {env.get(key, '')}".strip() for key, value in ours.items()}


def _pip_settings() -> dict[str, str]:
    """What pip is told on this machine, by files or variables, as variables; and its cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pip"
    # Most of it is never imported: nothing is compiled ahead.
    settings = {"PIP_CACHE_DIR": str(cache), "PIP_COMPILE": "0"}
    settings["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    said = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    for name, value in _PIP.findall(said):
        key, text = f"PIP_{name.upper().replace('-', '_')}", str(ast.literal_eval(value))
        if key in _ADDED and key in settings:
            text = f"{settings[key]} {text}"
        settings[key] = text
    return settings


def _pins(file: Path) -> Path:
    """The versions of the lock as constraints, which know no hashes."""
    lock = (ROOT / "requirements" / "runtime.txt").read_text()
    found = re.findall(r"^[\w.-]+==[^\\\n]+", lock, re.MULTILINE)
    assert len(found) > 50
    file.write_text("\n".join(found))
    return file


class Terminal:
    """One bash in which lines are typed one after another; use it as a context manager."""

    def __init__(self, folder: Path, env: dict[str, str], *, log: Path) -> None:
        self._folder, self._env, self._log = folder, env, log
        self._bash: subprocess.Popen[bytes] | None = None
        self._typed = 0

    def __enter__(self) -> Self:
        with self._log.open("ab") as output:
            self._bash = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", "--", "bash", "--noprofile", "--norc"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=self._env,
                process_group=0,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._bash is not None
        for number, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 15)):
            try:
                os.killpg(self._bash.pid, number)
                self._bash.wait(patience)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue  # by force
        if self._bash.stdin:
            self._bash.stdin.close()

    def type(self, line: str, *, codes: tuple[int, ...] = (0,), seconds: float = 60) -> str:
        """Type a command and wait for its end; answers what it printed.

        AssertionError with that where its exit code is none of `codes`, or after `seconds`.
        """
        self._typed += 1
        begin = self._log.stat().st_size
        self._send(f"{line}\nprintf '\\n<<%s ended with %s>>\\n' {self._typed} $?\n")
        deadline = time.monotonic() + seconds
        end = re.compile(rf"(.*)\n<<{self._typed} ended with (\d+)>>\n", re.DOTALL)
        while not (match := end.match(said := self.said(begin))):
            assert self.runs, f"{line}: the terminal is gone\n{said}"
            assert time.monotonic() < deadline, f"{line}: not within {seconds} s\n{said}"
            time.sleep(0.05)
        assert int(match[2]) in codes, f"{line}: ended with {match[2]}\n{match[1]}"
        return match[1]

    def leave(self, line: str) -> None:
        """Type a command that goes on until the terminal is closed."""
        self._send(f"exec {line}\n")  # in bash's place, so that it ends with it

    @property
    def runs(self) -> bool:
        return self._bash is not None and self._bash.poll() is None

    def said(self, begin: int = 0) -> str:
        """What was printed since a place in the log."""
        with self._log.open("rb") as log:
            log.seek(begin)
            return log.read().decode(errors="replace")

    def _send(self, text: str) -> None:
        assert self._bash is not None
        assert self._bash.stdin is not None
        self._bash.stdin.write(text.encode())
        self._bash.stdin.flush()
