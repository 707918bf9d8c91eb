"""`theme check`: the shipped themes pass, and each kind of fault is found for its own reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcal_plugin.web.theming import scaffold
from gcal_plugin.web.theming.check import check
from gcal_plugin.web.theming.faults import Code
from gcal_plugin.web.theming.theme import ThemeFault, Themes, shipped_folder

Break = Callable[[Path], object]


def edit(path: Path, **changes: Any) -> None:
    data = json.loads(path.read_text())
    for key, value in changes.items():
        if value is None:
            data.pop(key)
        else:
            data[key] = value
    path.write_text(json.dumps(data))


def template(name: str, text: str) -> Break:
    def write(root: Path) -> None:
        path = root / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


def manifest(**changes: Any) -> Break:
    return lambda root: edit(root / "theme.json", **changes)


def light(**changes: Any) -> Break:
    return lambda root: edit(root / "tokens.json", **changes)


def css(text: str) -> Break:
    return lambda root: (root / "static" / "theme.css").write_text(text)


@pytest.mark.parametrize("name", Themes().names())
def test_the_shipped_themes_pass(name: str) -> None:
    assert check(name) == []


def test_there_are_three_of_them() -> None:
    assert Themes().names() == ["belwinkel", "havenstem", "plain"]


def test_a_new_theme_passes_as_it_is_made(tmp_path: Path) -> None:
    scaffold.create("my-brand", tmp_path)
    assert check("my-brand", [tmp_path]) == []


@pytest.mark.parametrize("name", ["My Brand", "../x", "", "x" * 41, "plain;"])
def test_a_new_theme_needs_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ThemeFault, match="not a name"):
        scaffold.create(name, tmp_path)


def test_a_new_theme_replaces_nothing(tmp_path: Path) -> None:
    scaffold.create("brand", tmp_path)
    with pytest.raises(ThemeFault, match="exists already"):
        scaffold.create("brand", tmp_path)


GREY = {"$type": "color", "text-muted": {"$value": "#b0b0b0"}}
PALE = {"$type": "color", "border-strong": {"$value": "#eeeeee"}}

FAULTS: dict[str, tuple[Break, Code, str]] = {
    "no manifest": (lambda root: (root / "theme.json").unlink(), Code.THEME, "does not exist"),
    "manifest not JSON": (
        lambda root: (root / "theme.json").write_text("{"),
        Code.THEME,
        "not JSON",
    ),
    "manifest without a title": (manifest(title=None), Code.THEME, "title: Field required"),
    "manifest with a stranger": (manifest(colour="red"), Code.THEME, "colour: Extra inputs"),
    "version not a version": (manifest(version="new"), Code.THEME, "version: String should match"),
    "another name": (manifest(name="other"), Code.THEME, "says its name is other"),
    "unknown parent": (manifest(parent="nobody"), Code.THEME, "its parent nobody does not exist"),
    "its own parent": (manifest(parent="brand"), Code.THEME, "is its own parent"),
    "missing logo": (
        lambda root: (root / "static" / "logo.svg").unlink(),
        Code.THEME,
        "file static/logo.svg is missing",
    ),
    "missing tokens": (
        lambda root: (root / "tokens.json").unlink(),
        Code.THEME,
        "tokens.json is missing",
    ),
    "unknown token": (
        light(color={"$type": "color", "brnad": {"$value": "#000000"}}),
        Code.THEME,
        "unknown token color.brnad",
    ),
    "token not a colour": (
        light(color={"$type": "color", "text": {"$value": "black"}}),
        Code.THEME,
        "token color.text is not a color",
    ),
    "pale text": (light(color=GREY), Code.CONTRAST, "text-muted on page is"),
    "pale border": (light(color=PALE), Code.CONTRAST, "at least 3:1 is needed"),
    "css does not parse": (css(".a { color red; }"), Code.CSS, "before {} block"),
    "css imports": (css("@import 'other.css';"), Code.CSS, "@import is not needed"),
    "css from elsewhere": (
        css(".a { background: url(https://tracker.example/x.png) }"),
        Code.CSS,
        "is on another host",
    ),
    "css names no token": (css(".a { color: var(--gcal-color-nope) }"), Code.CSS, "is no token"),
    "css nested fault": (
        css("@media print { .a { color: var(--gcal-color-nope) } }"),
        Code.CSS,
        "--gcal-color-nope is no token",
    ),
    "template does not compile": (
        template("gcal/status.html", "{% block %}"),
        Code.TEMPLATE,
        "gcal/status.html:1",
    ),
    "inline style": (
        template("gcal/help.html", '<p style="color:red">x</p>'),
        Code.TEMPLATE,
        "has a style attribute",
    ),
    "inline script": (
        template("gcal/help.html", "<script>alert(1)</script>"),
        Code.TEMPLATE,
        "has an inline script",
    ),
    "event handler": (
        template("gcal/help.html", '<p onclick="x()">x</p>'),
        Code.TEMPLATE,
        "event handler",
    ),
    "fixed host": (
        template("gcal/help.html", '<img src="https://cdn.example/x.png" alt="">'),
        Code.TEMPLATE,
        "a fixed host",
    ),
    "missing block": (
        template("gcal/base.html", "<html>{% block content %}{% endblock %}</html>"),
        Code.BLOCK,
        "block header of the original is missing",
    ),
    "strange block": (
        template(
            "gcal/status.html",
            '{% extends "!gcal/status.html" %}{% block evnets %}{% endblock %}',
        ),
        Code.BLOCK,
        "block evnets overrides nothing",
    ),
    "overrides nothing": (
        template("gcal/statsu.html", "<p>x</p>"),
        Code.OVERRIDE,
        "overrides nothing and is used nowhere",
    ),
    "no such letter": (template("mail/nl/nope.j2", "x"), Code.MAIL, "overrides no letter"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_broken_theme_is_told_what_and_where(tmp_path: Path, case: str) -> None:
    breaks, code, words = FAULTS[case]
    scaffold.create("brand", tmp_path)
    breaks(tmp_path / "brand")
    faults = check("brand", [tmp_path])
    assert any(fault.code is code and words in str(fault) for fault in faults), faults
    assert {fault.code for fault in faults} == {code}


def test_a_partial_that_another_template_includes_is_no_fault(tmp_path: Path) -> None:
    scaffold.create("brand", tmp_path)
    template("gcal/flag.html", "<p>flag</p>")(tmp_path / "brand")
    template(
        "gcal/base.html",
        '{% extends "!gcal/base.html" %}'
        '{% block footer %}{% include "gcal/flag.html" %}{% endblock %}',
    )(tmp_path / "brand")
    assert check("brand", [tmp_path]) == []


def test_a_resellers_theme_goes_before_a_shipped_one(tmp_path: Path) -> None:
    scaffold.create("belwinkel", tmp_path)
    assert Themes([tmp_path]).load("belwinkel").folder == tmp_path / "belwinkel"
    assert Themes().load("belwinkel").folder == shipped_folder() / "belwinkel"
