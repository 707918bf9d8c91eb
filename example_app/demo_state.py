"""What the demonstration remembers between two starts: its ports, secrets and folders.

Made once in `.run/` (or `$RUN_DIR`). The environment always wins over it, so that a real Google, a
real exchange, a Postgres or a Redis is one variable away.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gcal_plugin.store.crypto import new_key

LOCAL_CLIENT_ID = "local-client.apps.googleusercontent.example"
LOCAL_CLIENT_SECRET = "local-secret"
_PORTS = ("portal", "google", "pbx", "mail_page", "mail_smtp", "redis")


def run_dir() -> Path:
    """The folder of the demonstration's data; made when missing, readable by its owner only."""
    folder = Path(os.environ.get("RUN_DIR") or Path(__file__).parents[1] / ".run").resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def load_state(folder: Path, *, portal_port: int | None = None) -> dict[str, Any]:
    """The remembered ports and secrets; makes them when missing. Safe from several processes.

    `portal_port` moves the portal (and, on a first start, its neighbours) to that port.
    """
    path = folder / "demo.json"
    with (folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = json.loads(path.read_text()) if path.exists() else None
        state: dict[str, Any] = known or _new_state(portal_port or 8000)
        if known is None or portal_port not in (None, state["ports"]["portal"]):
            state["ports"]["portal"] = portal_port or state["ports"]["portal"]
            _keep(folder, state)
    return state


def move_taken_ports(folder: Path, state: dict[str, Any]) -> dict[str, Any]:
    """Give every neighbour (not the portal) whose port somebody else holds a free one."""
    for name in _PORTS[1:]:
        if not is_free(state["ports"][name]):
            state["ports"][name] = _free_port()
    _keep(folder, state)
    return state


def _keep(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the file in one step, for its owner only: a reader sees the old or the new."""
    fresh = folder / "demo.json.new"
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(state, indent=2))
    fresh.replace(folder / "demo.json")


def _new_state(portal_port: int) -> dict[str, Any]:
    return {
        "ports": {name: portal_port + place for place, name in enumerate(_PORTS)},
        "secret_key": secrets.token_urlsafe(32),
        "encryption_key": new_key(),
        "pbx_secret": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
    }


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def url(state: Mapping[str, Any], name: str) -> str:
    """The loopback address of one part of the demonstration."""
    return f"http://127.0.0.1:{state['ports'][name]}"


def demo_config(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The Flask config of the example: the demonstration's own values, then the environment's.

    Takes `SECRET_KEY`, `DATABASE_URL` and every `GCAL_*` from the environment.
    """
    environ = os.environ if environ is None else environ
    folder = run_dir()
    state = load_state(folder)
    google = url(state, "google")
    config: dict[str, Any] = {
        "SECRET_KEY": state["secret_key"],
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'portal.sqlite'}",
        "GCAL_REDIS_URL": f"redis://127.0.0.1:{state['ports']['redis']}/0",
        "GCAL_ENCRYPTION_KEYS": [state["encryption_key"]],
        "GCAL_SUPPORT_EMAIL": "support@belwinkel.example",
        "GCAL_MAIL_SENDER": "portal@belwinkel.example",
        "GCAL_PUBLIC_URL": url(state, "portal"),
        "GCAL_TRUSTED_HOSTS": ["127.0.0.1", "localhost", ".localhost", "[::1]"],
        "GCAL_POLL_SECONDS": 2,
        "GCAL_TELEPHONY": {
            "main": {
                "backend": "webhook",
                "url": url(state, "pbx"),
                "secret": state["pbx_secret"],
            }
        },
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": state["ports"]["mail_smtp"],
    }
    if not environ.get("GCAL_GOOGLE_CLIENT_ID"):
        config |= {
            "GCAL_GOOGLE_CLIENT_ID": LOCAL_CLIENT_ID,
            "GCAL_GOOGLE_CLIENT_SECRET": LOCAL_CLIENT_SECRET,
            "GCAL_GOOGLE_METADATA_URL": f"{google}/.well-known/openid-configuration",
            "GCAL_GOOGLE_API_ROOT": google,
            "GCAL_GOOGLE_RISC_METADATA_URL": f"{google}/.well-known/risc-configuration",
        }
    config |= {key: value for key, value in environ.items() if key.startswith("GCAL_") and value}
    if environ.get("SECRET_KEY"):
        config["SECRET_KEY"] = environ["SECRET_KEY"]
    if environ.get("DATABASE_URL"):
        config["SQLALCHEMY_DATABASE_URI"] = _driver(environ["DATABASE_URL"])
    for key in ("MAIL_SERVER", "MAIL_PORT"):
        if environ.get(key):
            config[key] = environ[key]
    return config


def _driver(address: str) -> str:
    """Postgres addresses name no driver; SQLAlchemy's default one is not the one we ship."""
    for scheme in ("postgres://", "postgresql://"):
        if address.startswith(scheme):
            return "postgresql+psycopg://" + address.removeprefix(scheme)
    return address
