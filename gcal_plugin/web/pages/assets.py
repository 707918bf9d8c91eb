"""Static files of a theme, kept for ever by browsers: their address changes with their content."""

from __future__ import annotations

import mimetypes

from flask import Response, abort, request
from flask.typing import ResponseReturnValue

from .. import current

_YEAR = 31_536_000
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


def asset(theme: str, digest: str, name: str) -> ResponseReturnValue:
    """One file; with an old digest the present file, which is then not kept."""
    theming = current.theming()
    found = theming.themes.get(theme)
    if found is None:
        abort(404)
    try:
        body = theming.content(found, name)
    except LookupError:
        abort(404)
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    kind = _KINDS.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    response = Response(body, content_type=kind)
    fresh = digest == theming.digest(found, name)
    response.headers["Cache-Control"] = (
        f"public, max-age={_YEAR}, immutable" if fresh else "no-cache"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    # A drawing that is opened by itself runs no script of whoever drew it.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.add_etag()
    return response.make_conditional(request)
