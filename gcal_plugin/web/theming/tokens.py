"""Design tokens: JSON in the Design Tokens (DTCG) form -> values checked by type -> CSS.

A token file is a tree of groups; a token is an object with `$value`, its type given by `$type` on
itself or on a group above it. `{color.brand}` refers to another token. Values are checked strictly,
so that nothing in a theme's file can leave its place in the stylesheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "--gcal-"
PRIVATE_GROUP = "palette"
"""A theme may name colours of its own here, to refer to; they never become custom properties."""

_REFERENCE = re.compile(r"\{([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\}")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")
_DIMENSION = re.compile(r"0|-?\d*\.?\d+(?:px|rem|em|ch)")
_DURATION = re.compile(r"\d+ms|\d*\.?\d+s")
_FAMILY = re.compile(r"[A-Za-z0-9 _-]+")
_GENERIC = frozenset(
    {"serif", "sans-serif", "monospace", "system-ui", "ui-sans-serif", "ui-serif",
     "ui-monospace", "ui-rounded"}
)  # fmt: skip


class TokenFault(ValueError):
    """A token file is wrong; the message names the token."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its dotted path, its type and its value as written in CSS."""

    path: str
    type: str
    css: str

    @property
    def property(self) -> str:
        """The name of its custom property."""
        return PREFIX + self.path.replace(".", "-")


Tree = Mapping[str, Any]


def read(tree: Tree, base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Flatten a tree to path -> raw token, laid over the parent's; raises TokenFault."""
    flat: dict[str, Any] = dict(base or {})
    for path, written, value in _walk(tree, "", None):
        inherited = flat.get(path)
        kind = inherited["type"] if written is None and inherited is not None else written
        if kind is None:
            raise TokenFault(f"token {path} has no $type, nor has a group above it")
        if inherited is not None and inherited["type"] != kind:
            raise TokenFault(f"token {path} is a {inherited['type']}, not a {kind}")
        flat[path] = {"type": kind, "value": value}
    return flat


def resolve(flat: Mapping[str, Any]) -> dict[str, Token]:
    """Follow the references and write every value as CSS; raises TokenFault."""
    return {
        path: Token(path, raw["type"], _css(path, raw["type"], _value(flat, path, ())))
        for path, raw in flat.items()
    }


def unknown(flat: Mapping[str, Any], vocabulary: Mapping[str, Any]) -> list[str]:
    """The tokens that no page reads: not in the vocabulary and not in the private group."""
    return sorted(
        path for path in flat if path not in vocabulary and not path.startswith(f"{PRIVATE_GROUP}.")
    )


def stylesheet(light: Mapping[str, Token], dark: Mapping[str, Token]) -> str:
    """The custom properties, with those that differ again for people who prefer dark."""
    lines = ["/* Made from the theme's tokens. */", ":root{color-scheme:light dark;"]
    lines += _properties(light.values())
    lines.append("}")
    changed = [token for path, token in dark.items() if light[path].css != token.css]
    if changed:
        lines.append("@media (prefers-color-scheme:dark){:root{")
        lines += _properties(changed)
        lines.append("}}")
    lines.append("@media print{:root{color-scheme:light;")
    lines += _properties([light[token.path] for token in changed])
    lines.append("}}")
    return "\n".join(lines) + "\n"


def _properties(tokens: Any) -> list[str]:
    return [
        f"{token.property}:{token.css};"
        for token in sorted(tokens, key=lambda token: token.path)
        if not token.path.startswith(f"{PRIVATE_GROUP}.")
    ]


def _walk(tree: Tree, above: str, kind: str | None) -> Iterator[tuple[str, str | None, Any]]:
    kind = tree.get("$type", kind)
    if "$value" in tree:
        yield above, kind, tree["$value"]
        return
    for name, child in tree.items():
        if name.startswith("$"):
            continue
        if not _NAME.fullmatch(name):
            raise TokenFault(f"{above}.{name}".lstrip(".") + " is not a name (a-z, 0-9, hyphens)")
        if not isinstance(child, Mapping):
            raise TokenFault(f"{above}.{name}".lstrip(".") + " is neither a group nor a token")
        yield from _walk(child, f"{above}.{name}".lstrip("."), kind)


def _value(flat: Mapping[str, Any], path: str, seen: tuple[str, ...]) -> Any:
    value = flat[path]["value"]
    if isinstance(value, str) and (found := _REFERENCE.fullmatch(value)):
        aim = found.group(1)
        if aim not in flat:
            raise TokenFault(f"token {path} refers to {aim}, which does not exist")
        if aim in seen or aim == path:
            raise TokenFault(f"token {path} refers to itself by way of {aim}")
        return _value(flat, aim, (*seen, path))
    return value


def _css(path: str, kind: str, value: Any) -> str:
    writer = _WRITERS.get(kind)
    if writer is None:
        raise TokenFault(f"token {path} has the unknown $type {kind}")
    css = writer(value)
    if css is None:
        raise TokenFault(f"token {path} is not a {kind}: {value!r}")
    return css


def _color(value: Any) -> str | None:
    if isinstance(value, Mapping) and value.get("colorSpace", "srgb") == "srgb":
        value = value.get("hex")
    return value.lower() if isinstance(value, str) and _COLOR.fullmatch(value) else None


def _dimension(value: Any) -> str | None:
    if isinstance(value, Mapping) and set(value) == {"value", "unit"}:
        value = f"{value['value']}{value['unit']}"
    return value if isinstance(value, str) and _DIMENSION.fullmatch(value) else None


def _duration(value: Any) -> str | None:
    if isinstance(value, Mapping) and set(value) == {"value", "unit"}:
        value = f"{value['value']}{value['unit']}"
    return value if isinstance(value, str) and _DURATION.fullmatch(value) else None


def _families(value: Any) -> str | None:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names:
        return None
    if not all(isinstance(name, str) and _FAMILY.fullmatch(name) for name in names):
        return None
    return ",".join(name if name in _GENERIC else f'"{name}"' for name in names)


def _weight(value: Any) -> str | None:
    return str(value) if type(value) is int and 1 <= value <= 1000 else None


def _number(value: Any) -> str | None:
    return f"{value:g}" if type(value) in {int, float} else None


def _shadow(value: Any) -> str | None:
    layers = value if isinstance(value, list) else [value]
    written = []
    for layer in layers:
        if not isinstance(layer, Mapping):
            return None
        measures = ("offsetX", "offsetY", "blur", "spread")
        parts = [_dimension(layer.get(key, "0")) for key in measures]
        parts.append(_color(layer.get("color")))
        if None in parts:
            return None
        written.append(" ".join(str(part) for part in parts))
    return ",".join(written) or "none"


_WRITERS = {
    "color": _color,
    "dimension": _dimension,
    "duration": _duration,
    "fontFamily": _families,
    "fontWeight": _weight,
    "number": _number,
    "shadow": _shadow,
}
