"""Write-through persistence: one SQLite table of JSON documents, or nothing at all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID
"""


class Storage:
    """Keeps the latest document of every (kind, key); `flush` makes the changes durable.

    Changes gather in memory until `flush`, which the server calls before it answers, so a
    client never holds an answer that a restart would take back.
    """

    def __init__(self, path: Path | None) -> None:
        self._pending: dict[tuple[str, str], str | None] = {}
        self._db: sqlite3.Connection | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(_SCHEMA)

    def load(self) -> Iterator[tuple[str, str, Any]]:
        """Every stored document as (kind, key, body)."""
        if self._db is None:
            return
        for kind, key, body in self._db.execute("SELECT kind, key, body FROM document"):
            yield kind, key, json.loads(body)

    def put(self, kind: str, key: str, body: Any) -> None:
        """Remember a document."""
        if self._db is not None:
            self._pending[kind, key] = json.dumps(body, separators=(",", ":"))

    def delete(self, kind: str, key: str) -> None:
        """Forget a document; forgetting an unknown one is no fault."""
        if self._db is not None:
            self._pending[kind, key] = None

    def clear(self) -> None:
        """Forget everything, at once."""
        self._pending.clear()
        if self._db is not None:
            self._db.execute("DELETE FROM document")

    def flush(self) -> None:
        """Write what changed since the last flush in one transaction."""
        if self._db is None or not self._pending:
            return
        gone = [key for key, body in self._pending.items() if body is None]
        kept = [(*key, body) for key, body in self._pending.items() if body is not None]
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("DELETE FROM document WHERE kind = ? AND key = ?", gone)
        self._db.executemany("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", kept)
        self._db.execute("COMMIT")
        self._pending.clear()

    def close(self) -> None:
        """Write what is left and let go of the file."""
        self.flush()
        if self._db is not None:
            self._db.close()
            self._db = None
