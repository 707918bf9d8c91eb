"""The wheel and the source archive: built, looked into, and installed without the source tree."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.package import ROOT, install, run


@pytest.fixture(scope="module")
def wheel(archives: tuple[Path, Path]) -> Path:
    return archives[0]


@pytest.fixture(scope="module")
def in_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _sources(folder: str) -> set[str]:
    """What the wheel must take from a folder: all but the translators' files and notes."""
    return {
        str(path.relative_to(ROOT))
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.suffix not in {".po", ".pot", ".md", ".pyc"}
    }


def test_the_wheel_has_the_plugin_and_nothing_else(in_wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in in_wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"gcal_plugin"}
    assert "gcal_plugin/py.typed" in in_wheel


def test_every_module_template_and_static_file_is_in_the_wheel(in_wheel: set[str]) -> None:
    sources = _sources("gcal_plugin")
    assert {Path(name).suffix for name in sources} >= {".py", ".html"}
    assert sources - in_wheel == set()


def test_translations_are_in_the_wheel_as_programs_read_them(in_wheel: set[str]) -> None:
    catalogues = {name for name in in_wheel if name.endswith(".mo")}
    assert {name for name in catalogues if "/nl/" in name}
    assert not {name for name in in_wheel if name.endswith((".po", ".pot"))}


def test_migrations_are_in_the_wheel(in_wheel: set[str]) -> None:
    folder = "gcal_plugin/store/migrations/"
    assert f"{folder}env.py" in in_wheel
    assert {name for name in in_wheel if name.startswith(f"{folder}versions/")}


def test_themes_are_installed_below_the_plugin(in_wheel: set[str]) -> None:
    sources = _sources("themes")
    assert {name for name in sources if name.startswith("themes/plain/")}
    assert {f"gcal_plugin/{name}" for name in sources} - in_wheel == set()


def test_the_source_archive_has_the_example_app_and_the_tests(
    archives: tuple[Path, Path],
) -> None:
    with tarfile.open(archives[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"example_app/__init__.py", "tests/conftest.py", "Makefile", ".ci/run", "LICENSE"}
    assert wanted - names == set()


def test_it_works_installed_without_the_source_tree(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    install(wheel, target)
    script = (
        "import importlib, importlib.metadata, importlib.resources as resources, sys\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if '__editable__' not in repr(f)]\n"
        "import gcal_plugin\n"
        f"assert gcal_plugin.__file__.startswith({str(target)!r}), gcal_plugin.__file__\n"
        "for name in gcal_plugin.__all__: getattr(gcal_plugin, name)\n"
        "for name in ('extension', 'cli', 'jobs.worker'):\n"
        "    importlib.import_module(f'gcal_plugin.{name}')\n"
        "themes = resources.files('gcal_plugin.themes')\n"
        "assert themes.joinpath('plain').is_dir(), themes\n"
        "print(gcal_plugin.__version__)\n"
    )
    env = {"PYTHONPATH": str(target), "PYTHONSAFEPATH": "1"}
    said = run([sys.executable, "-W", "error::ImportWarning", "-c", script], cwd=tmp_path, env=env)
    assert said.strip() in wheel.name
