"""A test that skips itself fails the run: a missing server must not pass for a green test."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _outcomes(folder: Path, source: str) -> dict[str, int]:
    """Run pytest with our hooks on one file; gives how many tests passed, failed, ..."""
    (folder / "test_it.py").write_text("import pytest\n" + source)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    may_skip(reason)\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-q", str(folder)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    closing = done.stdout.strip().splitlines()[-1]
    return {word.rstrip("s"): int(count) for count, word in re.findall(r"(\d+) ([a-z]+)", closing)}


@pytest.mark.parametrize(
    "source, outcome",
    [
        ("def test_a(): pytest.skip('no server')", {"failed": 1}),
        ("@pytest.mark.skip\ndef test_a(): pass", {"error": 1}),
        ("@pytest.mark.skipif(True, reason='x')\ndef test_a(): pass", {"error": 1}),
        ("@pytest.fixture\ndef f(): pytest.skip('x')\ndef test_a(f): pass", {"error": 1}),
        ("pytest.importorskip('no_such_module')\ndef test_a(): pass", {"error": 1}),
        ("@pytest.mark.may_skip('x')\ndef test_a(): pytest.skip('x')", {"skipped": 1}),
        ("@pytest.mark.xfail\ndef test_a(): assert False", {"xfailed": 1}),
        ("def test_a(): pass", {"passed": 1}),
    ],
)
def test_only_a_test_with_leave_may_skip(
    tmp_path: Path, source: str, outcome: dict[str, int]
) -> None:
    assert _outcomes(tmp_path, source) == outcome
