"""Logs as JSON, a line an event, with the request's or the job's id; for a host that wants them.

Opt-in: a library does not decide how its host logs. What the plugin logs are codes, counts and
opaque ids; addresses, numbers and titles are never given to it, and what others might let slip is
masked on the way out.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, TextIO
from uuid import uuid4

import structlog

if TYPE_CHECKING:
    from flask import Flask

_MASKED = "[masked]"
_PERSONAL = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # an address
    # A telephone number, written in one or with spaces, dashes or brackets.
    r"|(?<![\w.+-])(?:\+|00?)[1-9](?:[ ()-]{0,3}\d){7,13}(?![\w-])"
    r"|(?<![\w.-])31[1-9]\d{8}(?![\w.-])"
    r"|\bya29\.[\w.-]+|\b1//[\w-]{10,}|\beyJ[\w-]{6,}\.[\w.-]+"  # Google's tokens, and any JWT
)
_QUOTED = re.compile(
    r"\[parameters: (?:(?!\n\(Background).)*"  # what a statement of SQLAlchemy was given
    r"|^(DETAIL|CONTEXT):[^\n]*",  # the row that Postgres refused
    re.DOTALL | re.MULTILINE,
)
_SECRET_KEYS = frozenset(
    {"authorization", "cookie", "code", "password", "secret", "token", "access_token",
     "refresh_token", "email", "title", "summary", "recipient"}
)  # fmt: skip
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def json_logs(
    app: Flask | None = None, *, level: int = logging.INFO, to: TextIO | None = None
) -> None:
    """Send everything that this process logs to `to` (standard error) as JSON.

    With `app` each line within a request has its `request_id`: the proxy's `X-Request-ID`, or one
    made here. A worker's lines have the `job_id`.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(to or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # One line for each request to Google or to an exchange says nothing that ours do not.
    for noisy in ("httpx", "httpcore", "googleapiclient", "urllib3"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
    if app is not None:
        app.before_request(_begin_request)


def request_name() -> str:
    """The name of this request: the proxy's `X-Request-ID` where it is a plain one, or ours."""
    from flask import request

    given = request.headers.get("X-Request-ID", "")
    return given if _ID.fullmatch(given) else uuid4().hex


def _begin_request() -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_name())


def redact(text: str) -> str:
    """Text without what is personal or secret: addresses, numbers, tokens, the values in a
    database's error. What kind of error it was, and where, stays."""
    return _PERSONAL.sub(_MASKED, _QUOTED.sub(_MASKED, text))


def mask(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take addresses, telephone numbers, tokens and secrets out of what is about to be written."""
    for key, value in event.items():
        if key in _SECRET_KEYS:
            event[key] = _MASKED
        elif isinstance(value, str):
            event[key] = redact(value)
        elif isinstance(value, list | tuple | dict):
            event[key] = redact(repr(value))
    return event
