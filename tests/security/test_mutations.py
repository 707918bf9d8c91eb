"""The list of defences stays true: each names a line that is there and a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mutations import Mutation, noticed, read

ROOT = Path(__file__).parents[2]
MUTATIONS = read()
NAMES = [one.defence.replace(" ", "-") for one in MUTATIONS]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=NAMES)
def test_the_line_is_there_once_and_so_is_its_test(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text(encoding="utf-8").count(mutation.old) == 1
    file, *chosen = mutation.test.split()
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not chosen or chosen[-1] in text, mutation.test


def test_every_threat_of_the_documentation_has_its_proof() -> None:
    """The table names a test for each threat, and each of those files is there."""
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    threats = page.partition("| # | threat |")[2].partition("\n\n")[0]
    table = re.findall(r"^\| (\d+) \|.*\| (.*) \|$", threats, re.MULTILINE)
    assert [int(number) for number, _ in table] == list(range(1, 23))
    for number, proof in table:
        assert "test_" in proof, f"threat {number} has no proof"
        for path in re.findall(r"\]\(\.\./(tests/[^)]+)\)", proof):
            assert (ROOT / path).is_file(), path


def test_every_threat_has_a_mutation() -> None:
    assert {one.threat for one in MUTATIONS} == set(range(1, 23))


@pytest.mark.full
@pytest.mark.timeout(400)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=NAMES)
def test_a_defence_that_is_taken_out_is_noticed(mutation: Mutation) -> None:
    assert noticed(mutation) == "noticed"
