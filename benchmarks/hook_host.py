"""The web process of the `hook` benchmark: the plugin's hook, and a bare one beside it."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask, Response, request

from gcal_plugin.store.tables import Channel

from .change_host import create_app as with_pages


def create_app() -> Flask:
    """A host with the plugin, as `HOST` (JSON) describes it."""
    app = with_pages()
    db = app.extensions["sqlalchemy"]

    @app.post("/bare")
    def bare() -> Response:
        channel = request.headers.get("X-Goog-Channel-ID", "")
        found = db.session.scalar(sa.select(Channel.calendar_id).where(Channel.id == channel))
        return Response(status=204 if found is not None else 404)

    return app
