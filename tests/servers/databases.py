"""Fresh databases for tests, SQLite or Postgres, prepared once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .postgres import PostgresServer

Prepare = Callable[[str], None]


class Databases:
    """Hands out databases of a kind. Postgres starts only when the first test asks for it.

    `prepare(url)` makes the schema in an empty database; its result is kept under `key` and
    copied, which takes a millisecond for SQLite and some 30 for Postgres. It must leave no
    connection open (dispose its engine).
    """

    def __init__(self, folder: Path, postgres: Callable[[], PostgresServer]) -> None:
        self._folder = folder
        self._postgres = postgres
        self._files: dict[str, Path] = {}
        self._made = 0

    @contextmanager
    def fresh(self, kind: str, *, key: str = "", prepare: Prepare | None = None) -> Iterator[str]:
        """The URL of a database that is this caller's alone; it is gone afterwards."""
        if kind == "sqlite":
            yield from self._sqlite(key, prepare)
        elif kind == "postgres":
            yield from self._on_postgres(key, prepare)
        else:
            raise ValueError(f"no database of the kind {kind!r}: sqlite or postgres")

    def _sqlite(self, key: str, prepare: Prepare | None) -> Iterator[str]:
        self._made += 1
        file = self._folder / f"test-{self._made}.sqlite"
        if prepare is not None:
            if key not in self._files:
                template = self._folder / f"template-{len(self._files)}.sqlite"
                prepare(f"sqlite:///{template}")
                self._files[key] = template
            shutil.copy(self._files[key], file)
        try:
            yield f"sqlite:///{file}"
        finally:
            for leftover in self._folder.glob(f"{file.name}*"):
                leftover.unlink()

    def _on_postgres(self, key: str, prepare: Prepare | None) -> Iterator[str]:
        server = self._postgres()
        template = "template1" if prepare is None else server.template(key, prepare)
        name = server.create_database(template=template)
        try:
            yield server.url(name)
        finally:
            server.drop_database(name)
