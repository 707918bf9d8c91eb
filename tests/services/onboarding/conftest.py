"""A runtime with a portal, an exchange and a mailbox in this process, on a real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import sqlalchemy as sa
from flask import Flask

from gcal_plugin.ports import Mail, Mailer, MailRefused
from gcal_plugin.services import outbox
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.telephony.memory import MemoryTelephony
from tests.servers.databases import Databases
from tests.support.portal import SmallPortal
from tests.support.runtime import NotedWake, make_app, make_runtime, make_schema

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Mailbox:
    """Keeps letters; `refuse` makes the next ones fail."""

    letters: list[Mail] = field(default_factory=list)
    refuse: list[MailRefused] = field(default_factory=list)

    def send(self, mail: Mail) -> None:
        if self.refuse:
            raise self.refuse.pop(0)
        self.letters.append(mail)

    def subjects(self, to: str) -> list[str]:
        return [mail.subject for mail in self.letters if to in mail.to]


@dataclass
class World:
    """Everything that a test of onboarding needs."""

    rt: Runtime
    portal: SmallPortal
    pbx: MemoryTelephony
    mailbox: Mailbox
    app: Flask
    instant: datetime = BEGIN

    @property
    def wake(self) -> NotedWake:
        return cast("NotedWake", self.rt.wake)

    def pass_time(self, **by: float) -> None:
        self.instant += timedelta(**by)

    def deliver(self) -> Mailbox:
        """Send what is due; answers the mailbox."""
        outbox.send_due(self.rt)
        return self.mailbox

    def rows(self, table: type[Any], *terms: Any) -> list[Any]:
        with self.rt.store.begin() as session:
            found = list(session.scalars(sa.select(table).where(*terms)))
            session.expunge_all()
            return found


@contextmanager
def make_world(url: str, mailer: Mailer | None = None, **settings: Any) -> Iterator[World]:
    """A world on an empty database that has the schema."""
    app, db = make_app(url)
    portal, pbx, mailbox = SmallPortal(), MemoryTelephony("main"), Mailbox()
    made: list[World] = []
    settings = {"public_url": "https://portal.example", **settings}
    with app.app_context():
        rt = make_runtime(
            db,
            portal=portal,
            telephony={"main": pbx},
            clock=lambda _: made[0].instant,
            **settings,
        )
        made.append(World(replace(rt, mailer=mailer or mailbox), portal, pbx, mailbox, app))
        yield made[0]
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def world(database_kind: str, databases: Databases) -> Iterator[World]:
    with (
        databases.fresh(database_kind, key="schema", prepare=make_schema) as url,
        make_world(url) as made,
    ):
        yield made


@pytest.fixture
def new_world(database_kind: str, databases: Databases) -> Iterator[Callable[..., World]]:
    """As many worlds as a test wants: `new_world(request_mode="mail")`."""
    with ExitStack() as stack:

        def make(**settings: Any) -> World:
            fresh = databases.fresh(database_kind, key="schema", prepare=make_schema)
            return stack.enter_context(make_world(stack.enter_context(fresh), **settings))

        yield make
