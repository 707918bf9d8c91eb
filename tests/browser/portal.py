"""The example portal with the gallery beside it, served from a thread of the test's process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import make_server

from example_app import create_app
from gcal_plugin.store.crypto import new_key
from gcal_plugin.web import gallery
from tests.servers.ports import free_port

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
]


def make_portal(folder: Path, port: int, **more: Any) -> Flask:
    """The example portal on a database of its own; it asks nobody on the network."""
    config: dict[str, Any] = {
        "SECRET_KEY": "browser",
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'portal.sqlite'}",
        "GCAL_REDIS_URL": "redis://127.0.0.1:9/0",
        "GCAL_ENCRYPTION_KEYS": [new_key()],
        "GCAL_GOOGLE_CLIENT_ID": "local-client.apps.googleusercontent.example",
        "GCAL_GOOGLE_CLIENT_SECRET": "local-secret",
        "GCAL_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "GCAL_TELEPHONY": {"main": {"backend": "memory"}},
    }
    return create_app(config | more)


@contextmanager
def serve(app: Flask, port: int) -> Iterator[str]:
    """Serve an application; answers its address."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        thread.join(timeout=10)


@contextmanager
def gallery_server(folder: Path, settings: Mapping[str, Any] | None = None) -> Iterator[str]:
    """The gallery of every theme; answers its address."""
    port = free_port()
    app = make_portal(folder, port, **(settings or {}))
    gallery.mount(app)
    with serve(app, port) as address:
        yield address + gallery.PREFIX
