"""Sync tokens and page tokens: opaque to clients, self-describing to the server."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any


def digest(*parts: Any) -> str:
    """A short fingerprint of what a token belongs to."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def seal(*parts: str | int) -> str:
    """Pack values into an opaque token."""
    packed = json.dumps(parts, separators=(",", ":")).encode()
    check = hashlib.sha256(packed).digest()[:6]
    return base64.urlsafe_b64encode(check + packed).decode().rstrip("=") + "="


def unseal(token: str, length: int) -> list[Any] | None:
    """The packed values, or None for anything that is not a token of ours of that length."""
    try:
        raw = base64.urlsafe_b64decode(token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        return None
    if hashlib.sha256(raw[6:]).digest()[:6] != raw[:6]:
        return None
    parts = json.loads(raw[6:])
    return parts if len(parts) == length else None


@dataclass(slots=True)
class Cursor:
    """The rows of one query, frozen when its first page was asked for."""

    rows: list[Any]
    seq: int


class Cursors:
    """The queries that are being paged through; the least recently used are forgotten.

    A forgotten query is computed again from its parameters, so that page tokens outlive a
    restart of the server.
    """

    def __init__(self, limit: int = 300) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[str, int], Cursor] = OrderedDict()

    def keep(self, query: str, cursor: Cursor) -> None:
        """Remember a query whose pages are not all handed out."""
        self._kept[query, cursor.seq] = cursor
        self._kept.move_to_end((query, cursor.seq))
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def find(self, query: str, seq: int) -> Cursor | None:
        """The remembered query, if it still is."""
        return self._kept.get((query, seq))
