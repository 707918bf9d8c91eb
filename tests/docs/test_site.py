"""The documentation builds strictly: nothing leads nowhere, no page is left out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("docs", "themes", ".ci", "mkdocs.yml", "CHANGELOG.md")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What the site is made of, to be changed at will."""
    for name in SOURCES:
        place = tmp_path / "tree" / name
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, place)
    return tmp_path / "tree"


def build(tree: Path) -> subprocess.CompletedProcess[str]:
    """The command of `make docs`."""
    (command,) = re.findall(r"\.venv/bin/(mkdocs build.*)", (ROOT / "Makefile").read_text())
    return subprocess.run(
        [Path(sys.executable).parent / command.split()[0], *command.split()[1:]],
        cwd=tree, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_site_builds(tree: Path) -> None:
    done = build(tree)
    assert done.returncode == 0, done.stderr[-4000:]
    site = tree / "site"
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert {path.stem for path in site.glob("*.html")} == pages | {"404"}
    for page in site.glob("*.html"):
        text = page.read_text()
        assert not re.search(r'(?:href|src)="\.\./(?!\.)', text), f"{page.name} leaves the site"
        assert "--8&lt;--" not in text, f"{page.name} lacks what it should take in"
    assert "&lt;root&gt;/calendar/v3/" in (site / "settings.html").read_text()


@pytest.mark.parametrize("planted", ["[x](nowhere.md)", "[x](mount.md#nowhere)", "![x](no.png)"])
def test_a_link_that_leads_nowhere_stops_it(tree: Path, planted: str) -> None:
    with (tree / "docs" / "decisions.md").open("a") as page:
        page.write(f"\n{planted}\n")
    assert build(tree).returncode != 0


def test_a_page_that_no_menu_names_stops_it(tree: Path) -> None:
    (tree / "docs" / "stray.md").write_text("# Stray\n")
    assert build(tree).returncode != 0
