"""The wheel in a virtual environment of its own, on each supported Python of this machine.

With the pins of `requirements/runtime.txt` and nothing else: no source tree, no tools. The newest
Python is always tried (the oldest runs all other tests), every one in `make test-full`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.package import ROOT, pythons, run

PYTHONS = pythons()
NEWEST = [*PYTHONS][-1]
SCRIPT = """
import importlib, json, pkgutil, sys, gcal_plugin
assert gcal_plugin.__file__.startswith(sys.prefix), gcal_plugin.__file__
found = [one.name for one in pkgutil.walk_packages(gcal_plugin.__path__, "gcal_plugin.")]
for name in found:
    if ".migrations" not in name:  # Alembic runs these
        importlib.import_module(name)
assert len(found) > 200, found

from portal import create_app
app = create_app()
def gcal(words):
    done = app.test_cli_runner().invoke(args=["gcal", *words.split()], catch_exceptions=False)
    assert done.exit_code == 0, (words, done.output)
    return done.stdout
gcal("db upgrade")
held = json.loads(gcal("db current --json"))
assert held["revision"] == held["head"] is not None, held
said = json.loads(gcal("explain 0612345678 --json"))
assert (said["value"], said["allowed"]) == ("+31612345678", True), said
gcal("theme check")
gcal("provision --tenant acme --email jan@bakery.example --extension 200")

visitor = app.test_client()
for path in ("/login", "/", "/google-calendar/", "/google-calendar/healthz"):
    answer = visitor.get(path, follow_redirects=True)
    assert answer.status_code == 200, (path, answer.status)
assert answer.json["status"] == "ok", answer.json
print("all is well on", sys.version)
"""


@pytest.fixture
def wheel(archives: tuple[Path, Path]) -> Path:
    return archives[0]


def portal() -> str:
    """The portal of the tutorial."""
    page = (ROOT / "docs" / "tutorial.md").read_text()
    return page.partition('```python title="portal.py"\n')[2].partition("\n```\n")[0]


def tried() -> list[object]:
    return [
        pytest.param(version, marks=[] if version == NEWEST else [pytest.mark.full])
        for version in PYTHONS
    ]


def test_the_range_of_pythons_is_the_one_that_is_tried_and_told() -> None:
    setup = (ROOT / "setup.cfg").read_text()
    told = re.findall(r"Python :: (3\.\d+)$", setup, re.MULTILINE)
    assert f"python_requires = >={told[0]}" in setup
    assert min(told) == told[0] == next(iter(PYTHONS))
    assert NEWEST in told, f"{NEWEST} is here and not among the classifiers"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", tried())
def test_it_works_in_an_environment_of_its_own(version: str, wheel: Path, tmp_path: Path) -> None:
    bin_ = tmp_path / "venv" / "bin"
    run([PYTHONS[version], "-m", "venv", tmp_path / "venv"], cwd=tmp_path)
    pip: list[str | Path] = [bin_ / "python", "-m", "pip", "install", "--quiet", "--no-deps"]
    pip += ["--no-compile", "--disable-pip-version-check"]
    lock = ROOT / "requirements" / "runtime.txt"
    run([*pip, "--require-hashes", "-r", lock], cwd=tmp_path, seconds=500)
    run([*pip, wheel], cwd=tmp_path)
    run([bin_ / "python", "-m", "pip", "check"], cwd=tmp_path)

    folder = tmp_path / "portal"
    folder.mkdir()
    (folder / "portal.py").write_text(portal())
    env = {"PYTHONWARNINGS": "error::SyntaxWarning,error::ImportWarning", "FLASK_APP": "portal"}
    key = run([bin_ / "flask", "gcal", "keys", "new"], cwd=folder, env=env).strip()
    # That came before there is any setting; an application needs them.
    env |= {
        "FLASK_SECRET_KEY": "secret",
        "FLASK_GCAL_ENCRYPTION_KEYS": key,
        "FLASK_GCAL_GOOGLE_CLIENT_ID": "client.example",
        "FLASK_GCAL_GOOGLE_CLIENT_SECRET": "secret",
        "FLASK_GCAL_TELEPHONY": '{"main": {"backend": "memory"}}',
    }
    said = run([bin_ / "python", "-c", SCRIPT], cwd=folder, env=env)
    assert f"all is well on {version}" in said
