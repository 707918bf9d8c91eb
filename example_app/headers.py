"""The portal's security headers; a host decides these, never the plugin."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, request

_STRICT = (
    "default-src 'self'; form-action 'self' {consent}; frame-ancestors 'none'; "
    "base-uri 'none'; object-src 'none'"
)
_DASHBOARD = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
)


def install(app: Flask) -> None:
    """A strict policy on every page.

    Only the RQ dashboard, which needs its inline scripts, has a looser one of its own.
    """
    consent = app.config.get("GCAL_GOOGLE_METADATA_URL", "https://accounts.google.com")
    parts = urlsplit(consent)
    strict = _STRICT.format(consent=f"{parts.scheme}://{parts.netloc}")

    @app.after_request
    def _set(response: Response) -> Response:
        loose = request.blueprint == "rq_dashboard"
        response.headers.setdefault("Content-Security-Policy", _DASHBOARD if loose else strict)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Referrer-Policy", "same-origin")
        return response
