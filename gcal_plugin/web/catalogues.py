"""Keeping the languages up to date: `python -m gcal_plugin.web.catalogues`.

Collects every sentence of the code and the templates, merges them into each language's `.po`
(new ones empty, gone ones dropped, nothing guessed) and compiles the `.mo`. Answers 1 where a
sentence is missing. A language is added by giving its code: `... catalogues de`.
"""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from .i18n import DOMAIN, FOLDER

_ROOMS = Path(__file__).resolve().parents[1]
_METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]
_KEYWORDS = {**DEFAULT_KEYWORDS, "_l": None, "lazy_gettext": None}


def collect() -> Catalog:
    """Every sentence that people may read, themes included."""
    catalog = Catalog(project=DOMAIN, charset="utf-8", fuzzy=False)
    themes = _ROOMS.parent / "themes"
    for folder in (_ROOMS, themes if themes.is_dir() else _ROOMS / "themes"):
        for name, line, message, comments, context in extract_from_dir(
            folder, method_map=_METHODS, keywords=_KEYWORDS
        ):
            catalog.add(message, None, [(name, line)], auto_comments=comments, context=context)
    return catalog


def update(language: str, collected: Catalog) -> list[str]:
    """Merge into one language and compile it; answers what is not translated yet."""
    path = FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    catalog = Catalog(locale=language, charset="utf-8", fuzzy=False)
    if path.exists():
        with path.open("rb") as source:
            catalog = read_po(source, locale=language)
    # Copied: the catalogue keeps the very message objects that it is updated with.
    catalog.update(deepcopy(collected), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.fuzzy = False
    catalog.header_comment = f"# The pages in {language}; kept by gcal_plugin.web.catalogues."
    if language == "en":
        for message in catalog:
            if message.id and not any(_forms(message.string)):
                message.string = message.id
    with path.open("wb") as out:
        write_po(out, catalog, omit_header=False, no_location=True, sort_output=True, width=100)
    with path.with_suffix(".mo").open("wb") as out:
        write_mo(out, catalog)
    return [
        str(message.id) for message in catalog if message.id and not all(_forms(message.string))
    ]


def _forms(string: str | tuple[str, ...] | list[str] | None) -> tuple[str | None, ...]:
    return (string,) if isinstance(string, str | None) else tuple(string)


def main(arguments: list[str]) -> int:
    """Update every language, and those named; tell what is missing."""
    kept = {path.parts[-3] for path in FOLDER.glob("*/LC_MESSAGES/*.po")}
    languages = sorted(kept | {*arguments})
    collected = collect()
    missing = {language: update(language, collected) for language in languages}
    for language, sentences in missing.items():
        sys.stdout.write(f"{language}: {len(sentences)} missing\n")
        sys.stdout.writelines(f"  {sentence}\n" for sentence in sentences)
    return 1 if any(missing.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
