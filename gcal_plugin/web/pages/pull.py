"""For an exchange that asks us at each call: who rings now, in the form it understands."""

from __future__ import annotations

import hmac

from flask import abort, request
from flask.typing import ResponseReturnValue

from ...domain.pull_formats import FORMATS, render
from ...ports.telephony import Line
from ...services import pulling
from .. import current


def answer(pbx: str, domain: str, extension: str) -> ResponseReturnValue:
    """The destinations of a line; every refusal looks the same to whoever has no token."""
    rt = current.runtime()
    token = rt.settings.pull_tokens.get(pbx, "")
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        abort(404)
    form = request.args.get("format", "plain")
    if form not in FORMATS:
        return f"format must be one of {', '.join(FORMATS)}\n", 400
    destinations = pulling.ringing_now(rt, pbx, Line(domain, extension))
    body, kind = render(form, destinations)
    pulling.settle()
    return body, 200, {"Content-Type": kind}
