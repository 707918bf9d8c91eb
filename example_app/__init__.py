"""A small customer portal with the plugin mounted, and the neighbours of a demonstration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from flask import Flask


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """The portal. Without `config` it takes the demonstration's values and the environment's."""
    from flask_login import LoginManager
    from flask_wtf import CSRFProtect

    from gcal_plugin import GCalPlugin
    from gcal_plugin.logs import json_logs

    from . import dashboard, headers, pages, seed
    from .database import db
    from .demo_state import demo_config
    from .models import User
    from .portal import DemoPortal

    app = Flask(__name__)
    if os.environ.get("PORTAL_LOGS") == "json":
        json_logs(app)
    app.config.update(
        SESSION_COOKIE_NAME="portal",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        MAX_CONTENT_LENGTH=1_000_000,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.config.update(demo_config() if config is None else config)
    db.init_app(app)
    CSRFProtect(app)
    login = LoginManager(app)
    login.login_view = "portal.login"
    login.login_message = None  # the page says "log in" itself
    login.user_loader(lambda key: db.session.get(User, int(key)))
    GCalPlugin(portal=DemoPortal()).init_app(app, db=db)
    app.register_blueprint(pages.blueprint)
    dashboard.mount(app)
    headers.install(app)
    app.cli.add_command(seed.command)
    return app
