"""A host application with the plugin's pages, for gunicorn: `tests.support.web_host:create_app()`.

What it serves comes in `HOST` as JSON: database, redis, telephony, keys, pull_tokens.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from gcal_plugin import GCalPlugin
from tests.servers.process import Child

from .host import WidePortal
from .runtime import NotedMailer

ROOT = Path(__file__).parents[2]
TWO_WORKERS = ("--workers", "2", "--worker-class", "gthread", "--threads", "8")


def create_app() -> Flask:
    """The application that `HOST` describes; gunicorn makes one in each worker."""
    values = json.loads(os.environ["HOST"])
    app = Flask("pages")
    app.config |= {
        "SECRET_KEY": "pages",
        "SQLALCHEMY_DATABASE_URI": values["database"],
        # As many connections as threads: overflowing ones are opened and closed at each use.
        "SQLALCHEMY_ENGINE_OPTIONS": {"pool_size": 8},
        "GCAL_GOOGLE_CLIENT_ID": "c",
        "GCAL_GOOGLE_CLIENT_SECRET": "s",
        "GCAL_ENCRYPTION_KEYS": values["keys"],
        "GCAL_REDIS_URL": values["redis"],
        "GCAL_TELEPHONY": values["telephony"],
        "GCAL_PULL_TOKENS": values["pull_tokens"],
    }
    db = SQLAlchemy()
    db.init_app(app)
    GCalPlugin(WidePortal(), mailer=NotedMailer()).init_app(app, db=db)
    return app


def gunicorn(
    port: int,
    values: dict[str, Any],
    log: Path,
    *,
    factory: str = "tests.support.web_host:create_app()",
) -> Child:
    """Gunicorn with two threaded workers on a port, not started yet; wait for the port."""
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *TWO_WORKERS]
    command += ["--keep-alive", "30", "--graceful-timeout", "1", "--no-control-socket", factory]
    return Child(command, log=log, name="web", cwd=ROOT, env={"HOST": json.dumps(values)})
