"""Templates by theme: who wins, what an override extends, and that no theme leaks into another."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from flask import Flask

from gcal_plugin.web import current, gallery
from gcal_plugin.web.theming import scaffold
from gcal_plugin.web.theming.environment import make_environment
from gcal_plugin.web.theming.theme import ThemeFault, Themes
from tests.servers.databases import Databases
from tests.support.portal_app import portal


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def chain(tmp_path: Path) -> tuple[Flask, Themes]:
    """child -> parent -> plain, and a host with templates of its own."""
    for name in ("parent", "child"):
        scaffold.create(name, tmp_path / "themes")
    manifest = tmp_path / "themes" / "child" / "theme.json"
    manifest.write_text(manifest.read_text().replace('"parent": "plain"', '"parent": "parent"'))
    app = Flask("host", root_path=str(tmp_path), template_folder="host")
    return app, Themes([tmp_path / "themes"])


def render(app: Flask, themes: Themes, name: str, theme: str = "child") -> str:
    environment = make_environment(app, [themes.load("child"), themes.load("plain")])
    return environment.get_template(f"{theme}:{name}").render()


def test_host_then_theme_then_parent_then_the_page_itself(
    chain: tuple[Flask, Themes], tmp_path: Path
) -> None:
    app, themes = chain
    original = '{% extends "!gcal/x.html" %}{% block a %}'
    write(
        tmp_path / "themes/parent/templates", "gcal/x.html", "[parent {% block a %}{% endblock %}]"
    )
    assert render(app, themes, "gcal/x.html") == "[parent ]"
    write(
        tmp_path / "themes/child/templates",
        "gcal/x.html",
        original + "child {{ super() }}{% endblock %}",
    )
    assert render(app, themes, "gcal/x.html") == "[parent child ]"
    write(tmp_path / "host", "gcal/x.html", original + "host {{ super() }}{% endblock %}")
    assert render(app, themes, "gcal/x.html") == "[parent host child ]"


def test_what_an_original_includes_is_still_the_childs(
    chain: tuple[Flask, Themes], tmp_path: Path
) -> None:
    app, themes = chain
    write(tmp_path / "themes/parent/templates", "gcal/x.html", '{% include "gcal/part.html" %}')
    write(tmp_path / "themes/parent/templates", "gcal/part.html", "parent's part")
    write(tmp_path / "themes/child/templates", "gcal/x.html", '{% extends "!gcal/x.html" %}')
    write(tmp_path / "themes/child/templates", "gcal/part.html", "child's part")
    assert render(app, themes, "gcal/x.html") == "child's part"


def test_a_theme_knows_nothing_of_another(chain: tuple[Flask, Themes], tmp_path: Path) -> None:
    app, themes = chain
    write(tmp_path / "themes/child/templates", "gcal/help.html", "only here")
    assert render(app, themes, "gcal/help.html") == "only here"
    environment = make_environment(app, [themes.load("child"), themes.load("plain")])
    plain, _, _ = environment.loader.get_source(environment, "plain:gcal/help.html")  # type: ignore[union-attr]
    assert "only here" not in plain


@pytest.mark.parametrize("setting", [{"GCAL_THEME": "nobody"}])
def test_an_unknown_theme_stops_the_start_by_name(
    databases: Databases, setting: dict[str, str]
) -> None:
    with (
        pytest.raises(ThemeFault, match="theme nobody does not exist"),
        portal(databases, **setting),
    ):
        pass


def test_two_themes_at_once_never_mix(shown: Flask) -> None:
    """Four threads, two brands in turn: each page carries its own theme's marks only."""
    marks = {"belwinkel": "/themes/belwinkel/", "havenstem": "/themes/havenstem/"}
    mixed: list[str] = []

    def walk(order: list[str]) -> None:
        client = shown.test_client()
        for _ in range(12):
            for theme in order:
                page = client.get(f"{gallery.PREFIX}/{theme}/nl/forwarding").get_data(as_text=True)
                found = set(re.findall(r"/themes/[a-z]+/", page))
                if found != {marks[theme]} or ("h-board" in page) != (theme == "havenstem"):
                    mixed.append(theme)

    orders = [["belwinkel", "havenstem"], ["havenstem", "belwinkel"]] * 2
    threads = [threading.Thread(target=walk, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mixed == []


# -- static files ------------------------------------------------------------------------------


def addresses(app: Flask, theme: str) -> list[str]:
    page = app.test_client().get(f"{gallery.PREFIX}/{theme}/nl/idle").get_data(as_text=True)
    return re.findall(r'(?:href|src|srcset)="(/google-calendar/static/[^"]+)"', page)


@pytest.mark.parametrize("theme", Themes().names())
def test_every_file_of_a_page_is_there_and_kept_for_ever(shown: Flask, theme: str) -> None:
    found = addresses(shown, theme)
    assert len(found) >= 4
    for address in found:
        answer = shown.test_client().get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"]


def test_an_old_address_still_works_but_is_not_kept(shown: Flask) -> None:
    address = next(one for one in addresses(shown, "plain") if one.endswith("gcal.css"))
    old = re.sub(r"/[0-9a-f]{12}/", "/000000000000/", address)
    answer = shown.test_client().get(old)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "plain/x/../theme.json",
        "plain/x/..%2ftheme.json",
        "plain/x/%2e%2e/tokens.json",
        "plain/x//etc/passwd",
        "nobody/x/gcal.css",
        "plain/x/nothing.css",
    ],
)
def test_nothing_else_is_served(shown: Flask, path: str) -> None:
    answer = shown.test_client().get(f"/google-calendar/static/themes/{path}")
    assert answer.status_code in {301, 308, 404}
    assert b"$value" not in answer.data


def test_a_file_changes_its_address_with_its_content(shown: Flask, tmp_path: Path) -> None:
    scaffold.create("brand", tmp_path)
    theme = Themes([tmp_path]).load("brand")
    theming = shown.extensions[current.THEMING]
    theming._keep_digests = False
    before = theming.digest(theme, "logo.svg")
    (tmp_path / "brand/static/logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert theming.digest(theme, "logo.svg") != before
    theming._keep_digests = True
