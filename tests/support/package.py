"""The package as it is handed out: built from a copy of the tree, installed where we say."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
OLDEST = (3, 11)
_LEFT_OUT = (
    ".git",
    ".venv",
    ".run",
    "build",
    "dist",
    "site",
    "*.egg-info",
    "__pycache__",
    ".*_cache",
)


def build(folder: Path) -> tuple[Path, Path]:
    """Build both archives into `folder`; answers (wheel, sdist).

    As `python -m build` does by default: the wheel is made from the unpacked sdist, so that a file
    which the sdist lacks cannot be in the wheel either. From a copy, since a build leaves folders
    behind, and takes in what an earlier one left.
    """
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, tree], cwd=folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def built(folder: Path) -> tuple[Path, Path]:
    """The archives in `folder`, built by whichever test process comes first; as `build()`."""
    with (folder / "package.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "package" / "done"
        if not done.exists():
            shutil.rmtree(done.parent, ignore_errors=True)
            done.parent.mkdir()
            done.write_text("\n".join(str(one) for one in build(done.parent)))
        wheel, sdist = done.read_text().splitlines()
        return Path(wheel), Path(sdist)


def run(
    command: list[str | Path], *, cwd: Path, env: dict[str, str] | None = None, seconds: float = 300
) -> str:
    """Run a program to its end; answers its output, or raises AssertionError with it."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


def install(wheel: Path, target: Path) -> None:
    """Unpack the wheel as pip does, without what it needs."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run([*pip, "--no-deps", "--no-index", "--target", target, wheel], cwd=wheel.parent)


def pythons() -> dict[str, Path]:
    """Every supported Python of this machine by its version ("3.13"), the oldest first.

    From `PYTHONS` (paths, with spaces between) where that is set; else the one that runs the
    tests, those on the path and those of pyenv.
    """
    if named := os.environ.get("PYTHONS"):
        places = [Path(one) for one in named.split()]
    else:
        places = [Path(sys.executable).resolve(), *_found()]
    versions: dict[tuple[int, int], Path] = {}
    for place in places:
        version = _version(place)
        if version is not None and version >= OLDEST:
            versions.setdefault(version, place)
    return {f"{major}.{minor}": place for (major, minor), place in sorted(versions.items())}


def _found() -> Iterator[Path]:
    folders = [Path(one) for one in os.environ.get("PATH", "").split(os.pathsep) if one]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for folder in [*folders, *sorted(pyenv.glob("*/bin"))]:
        yield from sorted(folder.glob("python3.[0-9][0-9]"))


def _version(python: Path) -> tuple[int, int] | None:
    """What a program says that it is; None where it does not run, or cannot make environments."""
    script = "import ensurepip, ssl, sys; print(*sys.version_info[:2])"
    try:
        said = subprocess.run(
            [python, "-I", "-c", script], capture_output=True, text=True, check=False, timeout=30
        )
    except OSError:
        return None
    found = re.fullmatch(r"(\d+) (\d+)\s*", said.stdout) if said.returncode == 0 else None
    return (int(found[1]), int(found[2])) if found else None
