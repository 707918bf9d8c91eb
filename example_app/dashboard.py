"""The RQ dashboard for operators: its log-in and its CSRF defence are given here."""

from __future__ import annotations

from urllib.parse import urlsplit

import rq_dashboard.web
from flask import Flask, abort, request
from flask_login import current_user
from rq.serializers import JSONSerializer

PREFIX = "/operator/rq"


def mount(app: Flask) -> None:
    """Below `/operator/rq`, for the operator role only."""
    app.config.setdefault("RQ_DASHBOARD_REDIS_URL", app.config["GCAL_REDIS_URL"])
    app.config.setdefault("RQ_DASHBOARD_POLL_INTERVAL", 5000)
    rq_dashboard.web.config.serializer = JSONSerializer
    rq_dashboard.web.setup_rq_connection(app)
    app.before_request(_guard)
    app.register_blueprint(rq_dashboard.blueprint, url_prefix=PREFIX)
    csrf = app.extensions["csrf"]
    csrf.exempt(rq_dashboard.blueprint)  # its scripts send no token; `_guard` looks at the origin


def _guard() -> None:
    if request.blueprint != "rq_dashboard":
        return
    if not current_user.is_authenticated or "operator" not in current_user.roles.split():
        abort(404)
    if request.method not in {"GET", "HEAD", "OPTIONS"} and not _from_here():
        abort(403)


def _from_here() -> bool:
    """Whether a page of this very host sent the request; browsers name the origin of every POST."""
    origin = request.headers.get("Origin") or request.headers.get("Referer", "")
    return urlsplit(origin).netloc == request.host
