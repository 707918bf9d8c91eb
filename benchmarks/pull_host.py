"""The web processes of the pull benchmark: the plugin's endpoint, and a bare page beside it."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from gcal_plugin.store.tables import Link
from tests.support.web_host import create_app as with_pages


def create_app() -> Flask:
    """A host with the plugin, as `HOST` (JSON) describes it; gunicorn makes one a worker."""
    app = with_pages()
    db = app.extensions["sqlalchemy"]

    @app.get("/bare/<domain>/<extension>")
    def bare(domain: str, extension: str) -> str:
        found = db.session.scalar(
            sa.select(Link.id).where(
                Link.pbx == "main", Link.domain == domain, Link.extension == extension
            )
        )
        return f"{found}\n"

    return app
