"""Every sentence that customers see is translated, and the compiled words are the current ones."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "gcal_plugin"
FOLDER = PLUGIN / "web" / "translations"
DOMAIN = "gcal"
KEYWORDS = {**DEFAULT_KEYWORDS, "_l": None, "lazy_gettext": None}
METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]

# %(name)s and {name}: what a sentence is filled with.
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")

languages = pytest.mark.parametrize("language", ["nl", "en"])


def _parts(message: Any) -> tuple[str, ...]:
    return tuple(message) if isinstance(message, list | tuple) else (message,)


@cache
def said() -> frozenset[str]:
    """The first form of every sentence in the code and the templates, themes included."""
    found: set[str] = set()
    for folder in (PLUGIN, ROOT / "themes"):
        for *_, message, _comments, _context in extract_from_dir(
            folder, method_map=METHODS, keywords=KEYWORDS
        ):
            found.add(_parts(message)[0])
    return frozenset(found)


@cache
def catalogue(language: str) -> Catalog:
    with (FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as source:
        return read_po(source, locale=language)


def translations(found: Catalog) -> dict[str, tuple[str, ...]]:
    """Sentence -> its translations, one for each plural form."""
    return {_parts(entry.id)[0]: _parts(entry.string) for entry in found if entry.id}


def test_there_is_something_to_say() -> None:
    assert len(said()) > 50


def test_dutch_has_every_sentence() -> None:
    words = translations(catalogue("nl"))
    assert sorted(said() - set(words)) == []
    assert sorted(sentence for sentence, forms in words.items() if not all(forms)) == []


@languages
def test_no_translation_is_a_guess_or_left_over(language: str) -> None:
    if language == "en" and not (FOLDER / "en").exists():
        return  # the sentences in the code are the English ones
    found = catalogue(language)
    assert [entry.id for entry in found if entry.id and entry.fuzzy] == []
    assert sorted(set(translations(found)) - said()) == []


def test_dutch_keeps_what_sentences_are_filled_with() -> None:
    lost = [
        sentence
        for entry in catalogue("nl")
        if entry.id and entry.string
        for sentence, translation in zip(_parts(entry.id), _parts(entry.string), strict=False)
        if not set(PLACEHOLDER.findall(translation))
        <= set(PLACEHOLDER.findall(_parts(entry.id)[-1]))
    ]
    assert lost == []


def test_the_compiled_words_are_the_current_ones() -> None:
    sources = sorted(FOLDER.glob("*/LC_MESSAGES/*.po"))
    assert sources
    for source in sources:
        with source.with_suffix(".mo").open("rb") as compiled:
            held = translations(read_mo(compiled))
        current = translations(catalogue(source.parts[-3]))
        assert held == {key: forms for key, forms in current.items() if any(forms)}, source
