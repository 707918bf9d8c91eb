"""A runtime on a real database and a local Google, with a queue that only notes what was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Session

from gcal_plugin.google.calendar import GoogleCalendars
from gcal_plugin.google.metadata import Metadata
from gcal_plugin.google.oauth import GoogleOAuth
from gcal_plugin.ports import Mail, Telephony
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.settings import GcalSettings
from gcal_plugin.store.crypto import Keyring, new_key
from gcal_plugin.store.store import Store
from gcal_plugin.store.tables import Base
from gcal_plugin.telephony.memory import MemoryTelephony

from .portal import SmallPortal

CLIENT_ID = "local-client.apps.googleusercontent.example"
CLIENT_SECRET = "local-secret"


@dataclass
class NotedWake:
    """Notes each wake-up; nothing runs until the test runs it."""

    synced: list[UUID] = field(default_factory=list)
    switched: list[UUID] = field(default_factory=list)
    cared: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    mails: int = 0

    def sync(self, calendar_ids: Sequence[UUID], *, urgent: bool = False) -> bool:
        self.synced += calendar_ids
        return True

    def switch(self, pbx: str, link_ids: Sequence[UUID], *, due_at: datetime | None = None) -> bool:
        self.switched += link_ids
        return True

    def care(self, task: str, **ids: str) -> bool:
        self.cared.append((task, ids))
        return True

    def mail(self) -> bool:
        self.mails += 1
        return True


@dataclass
class NotedMailer:
    """Keeps each letter instead of sending it."""

    sent: list[Mail] = field(default_factory=list)

    def send(self, mail: Mail) -> None:
        self.sent.append(mail)


def make_schema(url: str) -> None:
    """Create the plugin's tables in an empty database; leaves no connection open."""
    engine = sa.create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()


def make_app(url: str) -> tuple[Flask, SQLAlchemy]:
    """A host application with nothing but a database."""
    app = Flask("host")
    app.config |= {"SECRET_KEY": "test", "SQLALCHEMY_DATABASE_URI": url}
    db = SQLAlchemy()
    db.init_app(app)
    return app, db


def make_runtime(
    db: SQLAlchemy,
    google_url: str = "http://127.0.0.1:9",
    *,
    portal: SmallPortal | None = None,
    telephony: dict[str, Telephony] | None = None,
    clock: Callable[[Session], datetime] | None = None,
    **settings: Any,
) -> Runtime:
    """A runtime with Google's real client libraries against `google_url`; needs an app context."""
    values = GcalSettings(
        google_client_id=CLIENT_ID,
        google_client_secret=CLIENT_SECRET,
        google_metadata_url=f"{google_url}/.well-known/openid-configuration",
        google_api_root=google_url,
        google_risc_metadata_url=f"{google_url}/.well-known/risc-configuration",
        encryption_keys=(new_key(),),
        **settings,
    )
    return Runtime(
        settings=values,
        store=Store(db, Keyring(values.encryption_keys), clock),
        portal=portal or SmallPortal(),
        telephony=telephony or {"main": MemoryTelephony("main")},
        oauth=GoogleOAuth(Metadata(values.google_metadata_url), scopes=values.scopes),
        calendars=GoogleCalendars(values.google_api_root),
        wake=NotedWake(),
        mailer=NotedMailer(),
    )
