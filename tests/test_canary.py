"""The search over the whole suite finds what it was made for, in what is printed and in files."""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.canary import leaks

ACCESS = "ya29." + secrets.token_urlsafe(48)
REFRESH = "1//0" + secrets.token_urlsafe(64)


@pytest.mark.parametrize("token", [ACCESS, REFRESH], ids=["access", "refresh"])
def test_a_token_is_found_wherever_it_was_written(tmp_path: Path, token: str) -> None:
    assert leaks([("Captured log call", f"refused: {token!r}"), ("Captured stdout", "x")]) == [
        "Captured log call"
    ]
    folder = tmp_path / "worker"
    folder.mkdir()
    (folder / "worker.log.txt").write_text("quiet")
    assert leaks([], tmp_path) == []
    log = folder / "worker.log"
    log.write_text(f"Authorization: Bearer {token}\n")
    assert leaks([], tmp_path) == [str(log)]
    log.unlink()


def test_what_only_looks_a_little_like_one_is_none() -> None:
    assert leaks([("Captured log call", "ya29.canary 1//0short 1//token [masked]")]) == []


@pytest.mark.parametrize(
    "source",
    [
        "def test_a(): print(TOKEN)",
        "import sys\ndef test_a(): print(TOKEN, file=sys.stderr)",
        "import logging\ndef test_a(): logging.getLogger('x').warning('%s', TOKEN)",
        "def test_a(tmp_path): (tmp_path / 'worker.log').write_text(TOKEN)",
    ],
    ids=["stdout", "stderr", "log", "file"],
)
def test_a_test_that_prints_a_token_fails(tmp_path: Path, source: str) -> None:
    (tmp_path / "test_it.py").write_text(f"TOKEN = {ACCESS!r}\n{source}\ndef test_b(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-q", str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "a token was printed: " in done.stdout
    assert "test_b" not in done.stdout.partition("short test summary")[2]
