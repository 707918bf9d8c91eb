"""Partial responses: the `fields` selector language, as in `items(id,start/dateTime),etag`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from .errors import bad_request

Selector = dict[str, Any]  # name -> Selector; an empty Selector takes everything below
_DELIMITERS = ",/()"


@lru_cache(maxsize=256)
def parse(text: str) -> Selector:
    """Turn a selector into nested dicts; an empty dict means "all of it".

    Raises ApiError 400 `invalidParameter` for a selector that does not parse.
    """
    position = 0

    def fault() -> Exception:
        return bad_request(
            f"Invalid field selection {text}", reason="invalidParameter", parameter="fields"
        )

    def name() -> str:
        nonlocal position
        start = position
        while position < len(text) and text[position] not in _DELIMITERS:
            position += 1
        found = text[start:position].strip()
        if not found:
            raise fault()
        return found

    def group() -> Selector:
        nonlocal position
        chosen: Selector = {}
        while True:
            one(chosen)
            if position < len(text) and text[position] == ",":
                position += 1
                continue
            return chosen

    def one(into: Selector) -> None:
        nonlocal position
        key = name()
        below: Selector = {}
        if position < len(text) and text[position] == "/":
            position += 1
            one(below)
        elif position < len(text) and text[position] == "(":
            position += 1
            below = group()
            if position >= len(text) or text[position] != ")":
                raise fault()
            position += 1
        whole = key in into and (not into[key] or not below)
        into[key] = {} if whole else {**into.get(key, {}), **below}

    chosen = group()
    if position != len(text):
        raise fault()
    return chosen


def select(value: Any, chosen: Selector) -> Any:
    """The part of `value` that the selector names; lists are selected item by item."""
    if not chosen:
        return value
    if isinstance(value, list):
        return [select(item, chosen) for item in value]
    if not isinstance(value, dict):
        return value
    if "*" in chosen:
        others: Selector = chosen["*"]
        return {key: select(item, chosen.get(key, others)) for key, item in value.items()}
    return {key: select(value[key], below) for key, below in chosen.items() if key in value}
