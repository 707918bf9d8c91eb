"""What machines at Google post to us. Each hook has its own proof; none has a log-in or a form."""

from __future__ import annotations

from flask import Response, request

from ..services import security, watching
from .current import runtime

_LONGEST = 64 * 1024


def push() -> Response:
    """`POST /hooks/google`: a calendar changed. The headers say it all; a body is not read."""
    given = request.headers
    status = watching.handle_push(
        runtime(),
        channel_id=given.get("X-Goog-Channel-ID", ""),
        token=given.get("X-Goog-Channel-Token", ""),
        resource_state=given.get("X-Goog-Resource-State", ""),
        resource_id=given.get("X-Goog-Resource-ID", ""),
    )
    return Response(status=status)


def security_event() -> Response:
    """`POST /hooks/google-security`: a signed security event token."""
    length = request.content_length
    if length is None or length > _LONGEST:
        return Response(status=security.REFUSED)
    return Response(status=security.handle_security_event(runtime(), request.get_data()))
