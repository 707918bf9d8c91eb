"""Whether a theme's colours can be read: every pair that a page puts together, light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from coloraide import Color

from .faults import Code, Fault
from .theme import Theme
from .tokens import Token

TEXT = 4.5
MARK = 3.0
"""The least contrast of text, and of what is no text (WCAG 2.2, 1.4.3 and 1.4.11)."""

_GROUNDS = ("page", "surface", "sunken")
_TONES = ("live", "rest", "wait", "bad")

TEXT_PAIRS: tuple[tuple[str, str], ...] = (
    *((text, ground) for text in ("text", "text-muted", "link") for ground in _GROUNDS),
    ("danger", "surface"),
    ("on-brand", "brand"),
    ("on-brand", "brand-hover"),
    ("on-danger", "danger"),
    ("on-danger", "danger-hover"),
    ("on-header", "header"),
    ("on-bar", "bar"),
    *((f"{tone}-text", f"{tone}-surface") for tone in _TONES),
)
"""(text, ground), as the names of tokens below `color.`"""

MARK_PAIRS: tuple[tuple[str, str], ...] = (
    ("border-strong", "surface"),
    ("border-strong", "page"),
    ("focus", "page"),
    ("focus", "surface"),
    ("brand", "surface"),
    ("danger", "surface"),
    ("bar", "surface"),
    ("bar-refused", "surface"),
    ("now", "surface"),
    *((f"{tone}-mark", "surface") for tone in _TONES),
    *((f"{tone}-mark", "page") for tone in _TONES),
    *((f"{tone}-mark", f"{tone}-surface") for tone in _TONES),
)
"""(mark, ground): borders of controls, focus rings, icons, bars."""


def ratio(one: str, other: str) -> float:
    """The contrast of two opaque colours by WCAG 2.1, from 1 to 21."""
    found: float = Color(one).contrast(Color(other), method="wcag21")
    return found


def check(theme: Theme) -> Iterator[Fault]:
    """The pairs that cannot be read, each with its ratio."""
    for scheme, tokens in (("light", theme.light), ("dark", theme.dark)):
        for pairs, least in ((TEXT_PAIRS, TEXT), (MARK_PAIRS, MARK)):
            for one, other in pairs:
                yield from _pair(scheme, tokens, one, other, least)


def _pair(
    scheme: str, tokens: Mapping[str, Token], one: str, other: str, least: float
) -> Iterator[Fault]:
    found = ratio(tokens[f"color.{one}"].css, tokens[f"color.{other}"].css)
    # Compared as it is told: 4.4996 is not 4.5, and nobody should read "4.50 is less than 4.5".
    if found < least:
        text = f"{one} on {other} is {found:.2f}:1 in {scheme}, at least {least:g}:1 is needed"
        yield Fault(Code.CONTRAST, f"color.{one}", text)
