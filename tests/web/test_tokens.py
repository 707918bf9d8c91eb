"""Design tokens: what is read, what is refused, and what comes out as CSS."""

from __future__ import annotations

from typing import Any

import pytest

from gcal_plugin.web.theming import tokens
from gcal_plugin.web.theming.tokens import TokenFault


def resolved(tree: dict[str, Any]) -> dict[str, str]:
    return {path: token.css for path, token in tokens.resolve(tokens.read(tree)).items()}


def one(kind: str, value: Any) -> str:
    return resolved({"t": {"$type": kind, "$value": value}})["t"]


def test_a_group_gives_its_type_to_its_tokens() -> None:
    tree = {"color": {"$type": "color", "a": {"b": {"$value": "#ABCDEF"}}}}
    assert resolved(tree) == {"color.a.b": "#abcdef"}


def test_a_reference_follows_to_the_value() -> None:
    tree = {
        "$type": "color",
        "palette": {"sea": {"$value": "#005f73"}},
        "link": {"$value": "{hue}"},
        "hue": {"$value": "{palette.sea}"},
    }
    assert resolved(tree)["link"] == "#005f73"


@pytest.mark.parametrize(
    "kind, value, css",
    [
        ("dimension", "1.5rem", "1.5rem"),
        ("dimension", {"value": 8, "unit": "px"}, "8px"),
        ("dimension", "0", "0"),
        ("duration", {"value": 120, "unit": "ms"}, "120ms"),
        ("fontFamily", "Georgia", '"Georgia"'),
        ("fontFamily", ["Segoe UI", "sans-serif"], '"Segoe UI",sans-serif'),
        ("fontWeight", 650, "650"),
        ("number", 1.5, "1.5"),
        ("color", {"colorSpace": "srgb", "components": [0, 0, 0], "hex": "#000000"}, "#000000"),
        (
            "shadow",
            {"offsetX": "0", "offsetY": "1px", "blur": "2px", "spread": "0", "color": "#00000014"},
            "0 1px 2px 0 #00000014",
        ),
    ],
)
def test_values_are_written_as_css(kind: str, value: Any, css: str) -> None:
    assert one(kind, value) == css


@pytest.mark.parametrize(
    "kind, value",
    [
        ("color", "red;}body{display:none"),
        ("color", "rgb(0 0 0)"),
        ("color", "#12345"),
        ("dimension", "calc(1px)"),
        ("dimension", "1px;"),
        ("dimension", 4),
        ("fontFamily", 'x";}'),
        ("fontFamily", []),
        ("fontWeight", True),
        ("fontWeight", "bold"),
        ("number", "1"),
        ("duration", "fast"),
        ("shadow", {"color": "#000000", "blur": "url(x)"}),
        ("shadow", ["none"]),
        ("gradient", "#000000"),
    ],
)
def test_nothing_else_gets_into_a_stylesheet(kind: str, value: Any) -> None:
    with pytest.raises(TokenFault, match="token t"):
        one(kind, value)


@pytest.mark.parametrize(
    "tree, words",
    [
        ({"a": {"$value": "#000000"}}, "a has no \\$type"),
        ({"A": {"$type": "color", "$value": "#000000"}}, "A is not a name"),
        ({"a": "#000000"}, "a is neither a group nor a token"),
        ({"a": {"$type": "color", "$value": "{b}"}}, "a refers to b, which does not exist"),
        (
            {"$type": "color", "a": {"$value": "{b}"}, "b": {"$value": "{a}"}},
            "refers to itself by way of",
        ),
    ],
)
def test_a_wrong_tree_is_told_by_its_token(tree: dict[str, Any], words: str) -> None:
    with pytest.raises(TokenFault, match=words):
        resolved(tree)


def test_a_child_cannot_change_a_type() -> None:
    base = tokens.read({"a": {"$type": "color", "$value": "#000000"}})
    with pytest.raises(TokenFault, match="a is a color, not a dimension"):
        tokens.read({"a": {"$type": "dimension", "$value": "1px"}}, base)


def test_the_stylesheet_has_dark_only_where_it_differs_and_prints_light() -> None:
    light = tokens.resolve(
        tokens.read({"$type": "color", "ink": {"$value": "#000000"}, "red": {"$value": "#ff0000"}})
    )
    dark = tokens.resolve(
        tokens.read({"$type": "color", "ink": {"$value": "#ffffff"}, "red": {"$value": "#ff0000"}})
    )
    css = tokens.stylesheet(light, dark)
    assert css.count("--gcal-red") == 1
    screen, printed = css.split("@media print")
    assert "--gcal-ink:#ffffff" in screen.split("prefers-color-scheme:dark")[1]
    assert "--gcal-ink:#000000" in printed
