"""No token in anything that a test or its processes print, over the whole suite.

The local Google's tokens have a shape that nothing else has. Whatever a test captured (output,
errors, the log) and whatever its own processes wrote to a `.log` file below its folder is searched
for them. `security/test_canary.py` lives one life of a link with more doors watched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

TOKEN = re.compile(r"ya29\.[A-Za-z0-9_-]{64}|1//0[A-Za-z0-9_-]{86}")
_LARGEST = 8_000_000
_GOOGLES = "google"
"""In the name of a file: it is the local Google's own, which may know its tokens."""


def leaks(sections: Iterable[tuple[str, str]], folder: Path | None = None) -> list[str]:
    """Where a token was printed: names of captured sections and of files."""
    found = [name for name, text in sections if TOKEN.search(text)]
    return found + [str(path) for path in _logs(folder) if TOKEN.search(_read(path))]


def own_folder(item: pytest.Item) -> Path | None:
    """The test's folder, where it asked for one."""
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    return folder if isinstance(folder, Path) and folder.is_dir() else None


def _logs(folder: Path | None) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.log")) if folder is not None else ():
        if path.is_file() and _GOOGLES not in path.name:
            yield path


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_LARGEST).decode("utf-8", "replace")
