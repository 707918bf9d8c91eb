"""Google's own description of the Calendar API, as google-api-python-client ships it.

It decides here which scopes open which method, and what an answer may look like.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient

Json = dict[str, Any]


@cache
def document() -> Json:
    """The discovery document `calendar.v3.json`."""
    folder = Path(str(googleapiclient.__file__)).parent / "discovery_cache" / "documents"
    loaded: Json = json.loads((folder / "calendar.v3.json").read_text(encoding="utf-8"))
    return loaded


@cache
def method(name: str) -> Json:
    """The description of one method, as in `method("events.list")`."""
    resource, verb = name.split(".")
    found: Json = document()["resources"][resource]["methods"][verb]
    return found


@cache
def scopes(name: str) -> frozenset[str]:
    """The scopes any one of which opens the method."""
    return frozenset(method(name)["scopes"])


@cache
def known_scopes() -> frozenset[str]:
    """Every Calendar scope there is."""
    return frozenset(document()["auth"]["oauth2"]["scopes"])


def response_schema(name: str) -> str:
    """The name of the schema of the method's answer; empty where it has no body."""
    return str(method(name).get("response", {}).get("$ref", ""))
