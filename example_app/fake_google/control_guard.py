"""Who may use `/_control`, and the shape of its JSON calls."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from .errors import ApiError
from .html import is_loopback, own_page
from .model import Json
from .server import Server

Handler = Callable[[web.Request, Json], Json | Awaitable[Json]]


def guard(server: Server, request: web.Request) -> None:
    """Let in whoever holds the control token, or, where none is set, this machine only."""
    wanted = server.options.control_token
    if wanted:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise web.HTTPUnauthorized(text="The control token is missing or wrong.")
        return
    own_page(request)
    named = is_loopback(request.url.host or "") or server.url.endswith(f"//{request.host}")
    if not named or not is_loopback(request.remote or ""):
        raise web.HTTPForbidden(text="Only this machine may use the switchboard.")


def guarded(server: Server, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Wrap a handler: guard, read the JSON body, answer JSON, tell faults as 400."""

    async def handle(request: web.Request) -> web.Response:
        guard(server, request)
        text = await request.text()
        try:
            body = json.loads(text) if text else {}
            answer = handler(request, body)
            if isinstance(answer, Awaitable):
                answer = await answer
        except ApiError as error:
            return web.json_response(error.body(), status=error.status)
        except (ValueError, KeyError, TypeError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        finally:
            server.state.storage.flush()
        return web.json_response(answer)

    return handle
