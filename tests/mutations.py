"""Take each defence out, one at a time, in a copy of the project, and see its test fail.

`python tests/mutations.py [NAME ...]`: every mutation of `security/mutations.toml`, or those whose
names contain a word. Prints one line each; answers 1 where a defence was taken out unnoticed, where
its line is no longer there, or where the test fails without any mutation.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tests" / "security" / "mutations.toml"
_COPIED = ("gcal_plugin", "example_app", "tests", "themes", "docs")
_FILES = ("pyproject.toml", "setup.cfg")


@dataclass(frozen=True)
class Mutation:
    """One defence: the line that is it, what stands there without it, and the test that notices."""

    defence: str
    threat: int
    file: str
    old: str
    new: str
    test: str


def read() -> list[Mutation]:
    """The list, in its order."""
    rows = tomllib.loads(LIST.read_text(encoding="utf-8"))["mutation"]
    return [Mutation(**row) for row in rows]


def copy(folder: Path) -> Path:
    """The project without its history and its artifacts."""
    target = folder / "project"
    target.mkdir()
    skip = shutil.ignore_patterns("__pycache__", ".artifacts", "*.sqlite*")
    for name in _COPIED:
        shutil.copytree(ROOT / name, target / name, ignore=skip)
    for name in _FILES:
        shutil.copy(ROOT / name, target / name)
    return target


def passes(project: Path, test: str) -> bool:
    """Whether the test passes in the copy; a run that never got to the test is an error."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *test.split()],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"{test} did not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 0


def noticed(mutation: Mutation) -> str:
    """ "noticed", or what is wrong with this mutation or its test."""
    with tempfile.TemporaryDirectory() as folder:
        project = copy(Path(folder))
        path = project / mutation.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutation.old) != 1:
            return f"NOT TRIED: {mutation.file} has it {text.count(mutation.old)} times"
        path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
        return "UNNOTICED" if passes(project, mutation.test) else "noticed"


def main(words: list[str]) -> int:
    """Try the mutations that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args(words).names
    chosen = [one for one in read() if not asked or any(word in one.defence for word in asked)]
    wrong = 0
    for mutation in chosen:
        outcome = noticed(mutation)
        wrong += outcome != "noticed"
        print(f"{outcome}: {mutation.threat}. {mutation.defence}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        project = copy(Path(folder))
        for test in sorted({one.test for one in chosen}):
            if not passes(project, test):
                print(f"FAILS BY ITSELF: {test}", flush=True)
                wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
