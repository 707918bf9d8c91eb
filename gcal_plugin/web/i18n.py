"""Languages: the plugin's own Flask-Babel domain, which a host can lay its own words over.

The language is the portal's answer for this request; a mail or a preview names it with `in_locale`.
A host's own `gcal.mo`, in a folder of `BABEL_TRANSLATION_DIRECTORIES`, goes before ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.support import Translations
from flask import current_app
from flask_babel import Domain, LazyString

from . import current

DOMAIN = "gcal"
FOLDER = Path(__file__).parent / "translations"
LOCALES = ("nl", "en")
DEFAULT = "nl"

_forced: ContextVar[str | None] = ContextVar("gcal_locale", default=None)


@contextmanager
def in_locale(code: str) -> Iterator[None]:
    """Speak `code` inside this block, whatever the request says."""
    token = _forced.set(code)
    try:
        yield
    finally:
        _forced.reset(token)


def locale() -> Locale:
    """The language that people read now."""
    return parse(_forced.get() or current.locale_code())


@cache
def parse(code: str) -> Locale:
    """A locale by its code ("nl", "nl_BE", "en-GB"); an unknown one is the default."""
    try:
        return Locale.parse(code.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse(DEFAULT)


class GcalDomain(Domain):  # type: ignore[misc]  # Flask-Babel has no types
    """The words of the pages; asks the portal for the language, not Flask-Babel's selector."""

    def __init__(self) -> None:
        super().__init__(domain=DOMAIN)
        self._catalogues: dict[tuple[str, ...], Translations] = {}

    def get_translations(self) -> Translations:
        """The catalogue of now: ours, with the host's words over it."""
        code = _forced.get() or current.locale_code()
        key = (code, current_app.config.get("BABEL_TRANSLATION_DIRECTORIES", ""))
        found = self._catalogues.get(key)
        if found is None:
            folders, language = [str(FOLDER), *_host_folders()], parse(code)
            found = Translations()
            for folder in folders:
                wanted = [str(language), language.language]
                found.merge(Translations.load(folder, wanted, DOMAIN))  # type: ignore[arg-type]  # empty: null
            # `merge` copies the words, not the rule for plurals.
            own = Translations.load(str(FOLDER), [language.language, DEFAULT], DOMAIN)
            found.plural = getattr(own, "plural", lambda n: int(n != 1))
            self._catalogues[key] = found
        return found


def _host_folders() -> list[str]:
    named = current_app.config.get("BABEL_TRANSLATION_DIRECTORIES", "")
    root = Path(current_app.root_path)
    return [str(root / part) for part in str(named).split(";") if part]


domain = GcalDomain()


def gettext(text: str, **values: Any) -> str:
    """Translate; `%(name)s` takes its value."""
    translated: str = domain.gettext(text, **values)
    return translated


def ngettext(one: str, many: str, num: int, **values: Any) -> str:
    """Translate by number; `%(num)s` is the number."""
    translated: str = domain.ngettext(one, many, num, **values)
    return translated


def lazy_gettext(text: str, **values: Any) -> LazyString:
    """Translate when it is shown: for texts in tables and forms."""
    return LazyString(gettext, text, **values)
