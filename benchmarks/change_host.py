"""The application of the `change` benchmark: the whole plugin, as `HOST` (JSON) describes it."""

from __future__ import annotations

import json
import os

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from gcal_plugin import GCalPlugin
from tests.support.host import WidePortal
from tests.support.runtime import CLIENT_ID, CLIENT_SECRET, NotedMailer


def create_app() -> Flask:
    """A host with the plugin; its web, its workers and its clock are processes of their own."""
    values = json.loads(os.environ["HOST"])
    google = values["google"]
    app = Flask("change")
    app.config |= {
        "SECRET_KEY": "benchmark",
        "SQLALCHEMY_DATABASE_URI": values["database"],
        "GCAL_GOOGLE_CLIENT_ID": CLIENT_ID,
        "GCAL_GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
        "GCAL_GOOGLE_METADATA_URL": f"{google}/.well-known/openid-configuration",
        "GCAL_GOOGLE_RISC_METADATA_URL": f"{google}/.well-known/risc-configuration",
        "GCAL_GOOGLE_API_ROOT": google,
        "GCAL_PUBLIC_URL": values["public_url"],
        "GCAL_ENCRYPTION_KEYS": values["keys"],
        "GCAL_REDIS_URL": values["redis"],
        "GCAL_TELEPHONY": values["telephony"],
    }
    db = SQLAlchemy()
    db.init_app(app)
    GCalPlugin(WidePortal(), mailer=NotedMailer()).init_app(app, db=db)
    return app
