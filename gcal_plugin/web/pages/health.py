"""Whether the process lives, whether it can do its work, and figures about it."""

from __future__ import annotations

import hmac

import structlog
from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from .. import current

log = structlog.get_logger(__name__)


def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="ok")


def readyz() -> ResponseReturnValue:
    """The database answers; without it there is nothing to show or to decide."""
    rt = current.runtime()
    try:
        with rt.store.begin() as session:
            rt.store.now(session)
    except SQLAlchemyError as error:
        log.error("not_ready", fault=type(error).__name__)
        return jsonify(status="unavailable", database=False), 503
    return jsonify(status="ok", database=True)


def metrics() -> ResponseReturnValue:
    """Prometheus' text; without a token in the settings there is no such page."""
    token = current.runtime().settings.metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        abort(404)
    return generate_latest(), 200, {"Content-Type": CONTENT_TYPE_LATEST}
