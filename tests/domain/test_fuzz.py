"""A bounded run of the fuzzer; `FUZZ_SECONDS` makes it longer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.soak
def test_the_fuzzer_finds_no_escape(tmp_path: Path):
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    corpus = (HERE / "fraud_corpus.txt").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(line for line in corpus if line and line[0] != "#"):
        title = line.encode("ascii").decode("unicode_escape")
        (seeds / str(number)).write_bytes(title.encode("utf-8", "surrogateescape"))
    seconds = os.environ.get("FUZZ_SECONDS", "120")
    run = subprocess.run(
        [
            sys.executable,
            HERE / "fuzz_titles.py",
            f"-max_total_time={seconds}",
            "-max_len=4096",
            "-timeout=5",
            f"-artifact_prefix={tmp_path}/",
            seeds,
        ],
        cwd=HERE.parents[1],
        env=os.environ | {"PYTHONPATH": str(HERE.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    assert "Done" in run.stderr
