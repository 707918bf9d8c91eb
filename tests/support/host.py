"""A host application without pages, as its own process: a worker of one queue, or the clock.

    python -m tests.support.host worker gcal-switch
    python -m tests.support.host clock

What it serves comes in `HOST` as JSON: database, redis, telephony, google, keys, settings.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from gcal_plugin.google.calendar import GoogleCalendars
from gcal_plugin.google.metadata import Metadata
from gcal_plugin.google.oauth import GoogleOAuth
from gcal_plugin.jobs.connection import connect
from gcal_plugin.jobs.queue import RqWake
from gcal_plugin.jobs.queues import QueueName
from gcal_plugin.ports import Account, Extension, Tenant
from gcal_plugin.services.runtime import Runtime
from gcal_plugin.settings import GcalSettings
from gcal_plugin.store.crypto import Keyring
from gcal_plugin.store.store import Store
from gcal_plugin.telephony.registry import build_all
from tests.support.portal import SmallPortal
from tests.support.runtime import NotedMailer


@dataclass
class WidePortal(SmallPortal):
    """Knows every tenant and account that is asked for, and keeps no list of extensions."""

    def tenant(self, tenant_id: str) -> Tenant | None:
        return super().tenant(tenant_id) or Tenant(id=tenant_id, name=tenant_id, pbx="main")

    def account(self, account_id: str) -> Account | None:
        return super().account(account_id) or Account(
            id=account_id, tenant_id="t", email="a@b.example"
        )

    def extensions(self, account: Account) -> Sequence[Extension] | None:
        return None


def make_host(values: dict[str, Any]) -> Flask:
    """The application that `HOST` describes."""
    app = Flask("host")
    sqlite = values["database"].startswith("sqlite")
    app.config |= {
        "SECRET_KEY": "host",
        "SQLALCHEMY_DATABASE_URI": values["database"],
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "connect_args": {"timeout": 10} if sqlite else {"connect_timeout": 3},
            **({} if sqlite else {"pool_size": 8, "max_overflow": 8, "pool_pre_ping": True}),
        },
    }
    db = SQLAlchemy()
    db.init_app(app)
    google = values.get("google", "http://127.0.0.1:9")
    settings = GcalSettings(
        google_client_id="local-client.apps.googleusercontent.example",
        google_client_secret="local-secret",
        google_metadata_url=f"{google}/.well-known/openid-configuration",
        google_api_root=google,
        google_timeout_seconds=3,
        redis_url=values["redis"],
        encryption_keys=tuple(values["keys"]),
        telephony=values["telephony"],
        **values.get("settings", {}),
    )
    app.extensions["gcal"] = Runtime(
        settings=settings,
        store=Store(db, Keyring(settings.encryption_keys)),
        portal=WidePortal(),
        telephony=build_all(settings.telephony),
        oauth=GoogleOAuth(Metadata(settings.google_metadata_url), scopes=settings.scopes),
        calendars=GoogleCalendars(settings.google_api_root, timeout=3),
        wake=RqWake(connect(settings.redis_url)),
        mailer=NotedMailer(),
    )
    return app


def main(arguments: list[str]) -> int:
    """Run one role until SIGTERM."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel("WARNING")
    app = make_host(json.loads(os.environ["HOST"]))
    print("ready", flush=True)
    if arguments[0] == "worker":
        from gcal_plugin.jobs.worker import work

        work(app, QueueName(arguments[1]))
        return 0
    from gcal_plugin.jobs.clock import Clock

    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    Clock(app).run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
