"""The host's session, with the plugin's keyring: where services open their transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .crypto import Keyring

if TYPE_CHECKING:
    from flask_sqlalchemy import SQLAlchemy


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

    def release(self) -> None:
        """Give the connection back; long-running loops call it between two rounds."""
        self._db.session.remove()


def database_now(session: Session) -> datetime:
    """The database's clock: the one clock that leases and due times are measured by."""
    if session.get_bind().dialect.name == "postgresql":
        now: datetime = session.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return now.astimezone(UTC)
    written = sa.select(sa.func.strftime("%Y-%m-%d %H:%M:%f", "now"))
    text: str = session.execute(written).scalar_one()
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
