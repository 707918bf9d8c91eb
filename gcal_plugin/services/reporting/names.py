"""Names beside numbers: what the portal knows an extension by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...domain.destination import Destination, Kind
from ...ports import Account, Extension
from ..runtime import Runtime
from .models import DestinationView


class Names:
    """The extensions of one customer, by number and by public number."""

    def __init__(self, extensions: Sequence[Extension] | None) -> None:
        self.by_number: Mapping[str, Extension] = {one.number: one for one in extensions or ()}
        self._by_public = {public: one for one in extensions or () for public in one.public_numbers}

    @classmethod
    def of(cls, rt: Runtime, account: Account) -> Names:
        """Asked once for a page."""
        return cls(rt.portal.extensions(account))

    def view(self, kind: str, value: str) -> DestinationView:
        """A destination with its name, where the portal has one."""
        found = self._by_public.get(value) if kind == Kind.NUMBER else self.by_number.get(value)
        return DestinationView(
            kind=str(kind),
            value=value,
            name=found.name if found else "",
            extension_kind=found.kind if found else None,
        )

    def views(self, pairs: Iterable[Sequence[Any]]) -> tuple[DestinationView, ...]:
        """Stored pairs `[kind, value, ...]` with their names."""
        return tuple(self.view(str(pair[0]), str(pair[1])) for pair in pairs)

    def of_destination(self, destination: Destination) -> DestinationView:
        return self.view(destination.kind, destination.value)
