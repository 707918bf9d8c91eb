"""Checks a JSON answer against the schemas of the discovery document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from .discovery import document

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
}
_ZONED = re.compile(r".*(Z|[+-]\d\d:\d\d)$")


def _date_time(text: str) -> bool:
    datetime.fromisoformat(text)
    return bool(_ZONED.match(text))


def _date(text: str) -> bool:
    return date.fromisoformat(text).isoformat() == text


def _whole(text: str) -> bool:
    return str(int(text)) == text


_FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": _date_time,
    "date": _date,
    "int64": _whole,
}


def violations(value: Any, schema_name: str) -> list[str]:
    """Every way in which `value` is not a `schema_name`, each as one sentence with its path."""
    return list(_check(value, {"$ref": schema_name}, schema_name))


def field_faults(chosen: dict[str, Any], schema_name: str) -> list[str]:
    """The names in a parsed `fields` selector that the schema does not know."""
    return list(_unknown_fields(chosen, {"$ref": schema_name}, ""))


def _resolve(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document()["schemas"][schema["$ref"]]
    return schema


def _check(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    schema = _resolve(schema)
    kind = schema.get("type", "any")
    if kind in _TYPES:
        wanted = _TYPES[kind]
        if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean"):
            yield f"{path} is {type(value).__name__}, not {kind}"
            return
    if kind == "object":
        yield from _check_object(value, schema, path)
    elif kind == "array":
        for index, item in enumerate(value):
            yield from _check(item, schema["items"], f"{path}[{index}]")
    elif kind == "string" and schema.get("format") in _FORMATS:
        try:
            good = _FORMATS[schema["format"]](value)
        except ValueError:
            good = False
        if not good:
            yield f"{path} is {value!r}, not a {schema['format']}"


def _check_object(value: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for key, item in value.items():
        below = properties.get(key, others)
        if below is None:
            yield f"{path}.{key} is not a property Google has"
        else:
            yield from _check(item, below, f"{path}.{key}")


def _unknown_fields(chosen: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    schema = _resolve(schema)
    if schema.get("type") == "array":
        schema = _resolve(schema["items"])
    properties = schema.get("properties", {})
    for key, below in chosen.items():
        if key == "*" or not properties:
            continue
        if key not in properties:
            yield f"{path}{key}"
        else:
            yield from _unknown_fields(below, properties[key], f"{path}{key}/")
