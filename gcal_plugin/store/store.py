"""The host's session, with the plugin's keyring: where services open their transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .crypto import Keyring

if TYPE_CHECKING:
    from flask_sqlalchemy import SQLAlchemy

T = TypeVar("T")
TRIES = 5
"""How often a transaction that loses deadlocks is done."""
DEADLOCK = "40P01"
"""Postgres' code for the one that it ended."""


class Store:
    """Opens transactions on the host's session (`db.session`) and keeps the keyring."""

    def __init__(
        self,
        db: SQLAlchemy,
        keyring: Keyring,
        clock: Callable[[Session], datetime] | None = None,
    ) -> None:
        self._db = db
        self.keyring = keyring
        self._clock = clock or database_now

    def now(self, session: Session) -> datetime:
        """The instant that counts for leases and due times (the database's, or a simulated one)."""
        return self._clock(session)

    def instant(self, session: Session) -> datetime | None:
        """The instant; None where a statement asks the database for it by itself.

        That saves a round trip where one statement is all that is asked.
        """
        if self._clock is database_now and self.is_postgres:
            return None
        return self._clock(session)

    @property
    def engine(self) -> sa.Engine:
        """The host's engine; needs an application context."""
        return self._db.engine

    @property
    def is_postgres(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A transaction on the host's session: commits at the end, rolls back on an error.

        Objects stay readable after the commit: nothing is loaded again behind the caller's back.
        """
        session: Session = self._db.session()
        session.expire_on_commit = False
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise

    def resolutely(self, work: Callable[[Session], T]) -> T:
        """What `work` answers, in a transaction of its own; anew where the database broke a
        deadlock by ending ours. `work` must bear being done again.
        """
        for _ in range(TRIES - 1):
            try:
                with self.begin() as session:
                    return work(session)
            except sa.exc.OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != DEADLOCK:
                    raise
        with self.begin() as session:
            return work(session)

    @contextmanager
    def glance(self) -> Iterator[Session]:
        """As `begin`, for one statement that only reads: without BEGIN and COMMIT around it.

        Where the host has a transaction open in this request already, it joins that one and leaves
        it open.
        """
        session: Session = self._db.session()
        if session.in_transaction():
            yield session
            return
        with self.begin():
            session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            yield session

    def release(self) -> None:
        """Give the connection back; long-running loops call it between two rounds."""
        self._db.session.remove()


# Asked several times a second: made once.
_NOW = sa.select(sa.func.clock_timestamp())
_NOW_WRITTEN = sa.select(sa.func.strftime("%Y-%m-%d %H:%M:%f", "now"))


def database_now(session: Session) -> datetime:
    """The database's clock: the one clock that leases and due times are measured by."""
    if session.get_bind().dialect.name == "postgresql":
        now: datetime = session.execute(_NOW).scalar_one()
        return now.astimezone(UTC)
    text: str = session.execute(_NOW_WRITTEN).scalar_one()
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
