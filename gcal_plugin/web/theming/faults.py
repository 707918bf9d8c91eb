"""What `theme check` finds, one line each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """The kind of fault, as a stable code."""

    THEME = "theme"
    """The manifest, the parent chain, a token or a named file."""
    CSS = "css"
    CONTRAST = "contrast"
    TEMPLATE = "template"
    """A template does not compile, or would break the strict content policy."""
    BLOCK = "block"
    """A block of the original is missing, or one that the original does not have."""
    OVERRIDE = "override"
    """A template that overrides nothing."""
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend: where, and what."""

    code: Code
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.place}: {self.text}"
