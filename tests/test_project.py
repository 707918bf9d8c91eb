"""Checks on the tree itself: what is in it, what is not, and the shape of its modules."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "MANIFEST.in",
    "Makefile",
    "README.md",
    "benchmarks",
    "docs",
    "example_app",
    "gcal_plugin",
    "mkdocs.yml",
    "pyproject.toml",
    "requirements",
    "setup.cfg",
    "tests",
    "themes",
}
BINARY = {".png", ".ico", ".woff2", ".mo", ".jpg", ".webp", ".gz", ".sqlite"}
LONGEST_MODULE = 300
# A migration is written once and then frozen: a list of tables, which reads best in one piece.
FROZEN = "gcal_plugin/store/migrations/versions/"


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that a checkout has, and every new one that git would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def texts() -> Iterator[tuple[str, str]]:
    """(path, text) of every tracked file that is text."""
    for path in tracked():
        if path.suffix not in BINARY:
            yield str(path.relative_to(ROOT)), path.read_bytes().decode()


def modules(*rooms: str) -> Iterator[tuple[str, str]]:
    for name, text in texts():
        if name.endswith(".py") and name.split("/")[0] in rooms:
            yield name, text


def test_the_top_level_holds_only_what_people_expect() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= TOP_LEVEL


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    # Composed, so that this file does not hold what it looks for.
    local = "|".join(
        ["/" + "work/", "/" + "root/", "/" + r"home/\w+/", "/" + "opt/(?:pypi|wheels)"]
    )
    index = "|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "npmjs" + r"\.(?:org|com)"])
    mirror = "deb" + r"\.debian\.org"
    pattern = re.compile(f"(?<![\\w.]){local}|{index}|{mirror}")
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("name", ["development", "runtime", "semgrep"])
def test_the_lock_has_pins_and_hashes_and_nothing_else(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    entry = re.compile(r"[\w.-]+==[\w.!+]+(?: ; [^@]+?)?(?:\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [line for line in entries if not entry.fullmatch(line)] == []
    assert "://" not in text


def test_both_locks_pin_the_same_versions() -> None:
    def pins(name: str) -> dict[str, str]:
        lock = (ROOT / "requirements" / f"{name}.txt").read_text()
        return dict(re.findall(r"^([\w.-]+)==([\w.!+]+)", lock, re.MULTILINE))

    everything = pins("development")
    assert {name: everything.get(name) for name in pins("runtime")} == pins("runtime")


def test_lines_end_as_on_unix_and_files_with_one_line_break() -> None:
    wrong = [name for name, text in texts() if "\r" in text or (text and not text.endswith("\n"))]
    assert wrong == []


@pytest.mark.parametrize("room", ["gcal_plugin", "example_app", "benchmarks", "themes"])
def test_modules_are_short_and_say_what_they_are_for(room: str) -> None:
    long = {
        name: count
        for name, text in modules(room)
        if (count := text.count("\n")) > LONGEST_MODULE and not name.startswith(FROZEN)
    }
    silent = [
        name
        for name, text in modules(room)
        if text.strip() and ast.get_docstring(ast.parse(text)) is None
    ]
    assert (long, silent) == ({}, [])


def test_the_domain_never_asks_what_time_it_is() -> None:
    clocks = {"now", "utcnow", "today", "time", "monotonic", "time_ns", "perf_counter"}
    asked = [
        f"{name}:{node.lineno}"
        for name, text in modules("gcal_plugin")
        if name.startswith("gcal_plugin/domain/")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in clocks
        and not node.args
    ]
    assert asked == []


def test_setup_lists_every_package() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    present = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in tracked()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] == "gcal_plugin"
    }
    assert listed == present | {"gcal_plugin.themes"}


def _imported(room: str) -> set[str]:
    """The first names of all absolute imports of a room."""
    found: set[str] = set()
    for _, text in modules(room):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - {"gcal_plugin", "example_app", "benchmarks", "tests"}


@pytest.mark.parametrize("room", ["gcal_plugin", "example_app", "benchmarks", "tests"])
def test_what_is_imported_is_asked_for(room: str) -> None:
    """A package that comes along with another one today may stay away tomorrow."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lists = [setup["options"]["install_requires"]]
    extras = setup["options.extras_require"]
    optional = ["postgres", "mail", "dashboard"] if room == "gcal_plugin" else list(extras)
    lists += [extras[name] for name in optional]
    asked = {
        canonicalize_name(Requirement(line).name)
        for text in lists
        for line in text.splitlines()
        if line
    }
    homes = packages_distributions()
    stray = {
        name
        for name in _imported(room)
        if not {canonicalize_name(home) for home in homes.get(name, [name])} & asked
    }
    assert stray == set()


def test_the_import_rules_know_every_room() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(rule for rule in contracts["contracts"] if rule["id"] == "layers")
    assert layers["exhaustive"] is True


def test_tests_do_not_patch_by_path() -> None:
    patching = re.compile(r"""(?:\bpatch\(|monkeypatch\.setattr\()\s*["']""")
    found = [name for name, text in modules("tests") if patching.search(text)]
    assert found == []


def test_the_make_targets_are_the_documented_ones() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    promised = {"run", "test", "test-full", "setup", "bench", "soak", "lint", "docs", "clean"}
    assert promised <= targets
    assert re.search(r"^make test( |$)", (ROOT / ".ci/run").read_text(), re.MULTILINE)
