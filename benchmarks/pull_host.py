"""The web processes of the pull benchmark: the plugin's endpoint, and a bare page beside it."""

from __future__ import annotations

import json
import os

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from gcal_plugin import GCalPlugin
from gcal_plugin.store.tables import Link
from tests.support.host import WidePortal
from tests.support.runtime import NotedMailer


def create_app() -> Flask:
    """A host with the plugin, as `HOST` (JSON) describes it; gunicorn makes one a worker."""
    values = json.loads(os.environ["HOST"])
    app = Flask("pull")
    app.config |= {
        "SECRET_KEY": "benchmark",
        "SQLALCHEMY_DATABASE_URI": values["database"],
        # As many connections as threads: overflowing ones are opened and closed at each use.
        "SQLALCHEMY_ENGINE_OPTIONS": {"pool_size": 8},
        "GCAL_GOOGLE_CLIENT_ID": "c",
        "GCAL_GOOGLE_CLIENT_SECRET": "s",
        "GCAL_ENCRYPTION_KEYS": values["keys"],
        "GCAL_REDIS_URL": values["redis"],
        "GCAL_TELEPHONY": values["telephony"],
        "GCAL_PULL_TOKENS": values["settings"]["pull_tokens"],
    }
    db = SQLAlchemy()
    db.init_app(app)
    GCalPlugin(WidePortal(), mailer=NotedMailer()).init_app(app, db=db)

    @app.get("/bare/<domain>/<extension>")
    def bare(domain: str, extension: str) -> str:
        found = db.session.scalar(
            sa.select(Link.id).where(
                Link.pbx == "main", Link.domain == domain, Link.extension == extension
            )
        )
        return f"{found}\n"

    return app
