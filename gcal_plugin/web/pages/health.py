"""Whether the process lives, whether it can do its work, and figures about it."""

from __future__ import annotations

import hmac
from dataclasses import asdict

from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST

from ...services.portal_calls import asked
from ...services.runtime import Runtime
from ...services.signals import Load, figures, readiness
from .. import current
from ..metrics import exposition


def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="ok")


def readyz() -> ResponseReturnValue:
    """503 without the database or with old tables: then there is nothing to show or to decide.

    A queue or a clock that is away is told, and stops no page.
    """
    found = readiness(current.runtime())
    status = "ok" if all(asdict(found).values()) else "degraded" if found.ready else "unavailable"
    return jsonify(status=status, **asdict(found)), 200 if found.ready else 503


def metrics() -> ResponseReturnValue:
    """Prometheus' text; without a token in the settings there is no such page.

    It is answered without the database too, and says that: a 500 would look as if we were down.
    """
    rt = current.runtime()
    token = rt.settings.metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        abort(404)
    seen = figures(rt)
    text = exposition(seen, [] if isinstance(seen, Load) else _tenants(rt))
    return text, 200, {"Content-Type": CONTENT_TYPE_LATEST}


def _tenants(rt: Runtime) -> list[str]:
    """The tenants' ids; none where the portal breaks on them: all are told together then."""
    return asked(lambda: [tenant.id for tenant in rt.portal.tenants()], [])
