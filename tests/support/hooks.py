"""The plugin's two hooks as a real HTTP server, for a Google that really posts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from flask import Flask, Response, request
from werkzeug.serving import make_server

from gcal_plugin.services import security, watching
from tests.support.world import Message, World


@contextmanager
def hooks(world: World, app: Flask) -> Iterator[str]:
    """Serve the hooks; answers the base address and configures the world to give it out."""
    receiver = Flask("receiver")

    @receiver.post("/google-calendar/hooks/google")
    def push() -> Response:
        given = request.headers
        message = Message(
            channel_id=given["X-Goog-Channel-ID"],
            token=given["X-Goog-Channel-Token"],
            resource_state=given["X-Goog-Resource-State"],
            resource_id=given["X-Goog-Resource-ID"],
        )
        with app.app_context():
            try:
                return Response(status=watching.handle_push(world.rt, **asdict(message)))
            finally:
                world.heard.append(message)
                world.rt.store.release()

    @receiver.post("/google-calendar/hooks/google-security")
    def security_event() -> Response:
        with app.app_context():
            try:
                body = request.get_data()
                return Response(status=security.handle_security_event(world.rt, body))
            finally:
                world.rt.store.release()

    server = make_server("127.0.0.1", 0, receiver, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
