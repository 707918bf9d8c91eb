"""The values that every other part of the domain speaks of: a destination and a reading."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from gcal_plugin.domain.reasons import Reason

_E164 = re.compile(r"\+[1-9][0-9]{3,14}")
_EXTENSION = re.compile(r"[0-9]{2,6}")


class Kind(StrEnum):
    """What a title reads as."""

    NUMBER = "number"
    EXTENSION = "extension"
    NONE = "none"


@dataclass(frozen=True, order=True, slots=True)
class Destination:
    """Where calls go: a number in E.164 ("+31612345678") or an extension's digits ("333").

    Raises ValueError for anything else, so that no other text can reach a telephone exchange.
    """

    kind: Kind
    value: str

    def __post_init__(self) -> None:
        pattern = {Kind.NUMBER: _E164, Kind.EXTENSION: _EXTENSION}.get(self.kind)
        if pattern is None or not pattern.fullmatch(self.value):
            raise ValueError(f"not a {self.kind}: {self.value!r}")

    @property
    def is_number(self) -> bool:
        """Whether this is a number of the public network, not an extension."""
        return self.kind is Kind.NUMBER

    @property
    def number(self) -> str | None:
        """The number in E.164, or None when this is an extension."""
        return self.value if self.kind is Kind.NUMBER else None

    @classmethod
    def parse(cls, text: str) -> Destination:
        """Read a stored value back: "+31612345678" or "333"; ValueError for anything else.

        What people type is read by `read_title`; this is for our own canonical values.
        """
        return cls(Kind.NUMBER if text.startswith("+") else Kind.EXTENSION, text)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Reading:
    """What a title reads as, before any rule about who may be called.

    `reason` is None exactly when `value` is the canonical destination. With a reason, `kind` still
    says what the title meant to be and `suggestion` is a title that would work, where we know one.
    """

    kind: Kind
    value: str | None
    reason: Reason | None = None
    suggestion: str | None = None

    @property
    def destination(self) -> Destination | None:
        """The destination, or None when the title is none."""
        if self.reason is not None or self.value is None:
            return None
        return Destination(self.kind, self.value)
