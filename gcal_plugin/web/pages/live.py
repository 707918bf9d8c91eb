"""The part of the status page that changes by itself, for the one small script."""

from __future__ import annotations

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue

from ...services.reporting import status_of
from .. import current, render
from .common import the_link
from .status import context


def fragment(link_id: str | None = None) -> ResponseReturnValue:
    """The sentence and what belongs to it; 304 where nothing changed."""
    view = status_of(current.runtime(), current.account(), the_link(link_id))
    response: Response = make_response(render.page("live.html", **context(view)))
    response.add_etag(weak=True)
    return response.make_conditional(request)
