"""The words of the pages, English and Dutch, chosen by the browser's Accept-Language."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "nl")


@cache
def words(language: str) -> dict[str, str]:
    """All sentences of one language by their key."""
    file = Path(__file__).parent / "words" / f"{language}.json"
    loaded: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


def choose(header: str) -> str:
    """The language that an Accept-Language header likes best among ours; English otherwise."""
    liked: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")):
        name, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        language = name.split("-")[0].lower()
        if language in LANGUAGES and weight > 0:
            liked.append((-weight, place, language))
    return min(liked)[2] if liked else "en"
