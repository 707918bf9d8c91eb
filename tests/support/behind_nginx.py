"""The example portal as an operator runs it: the unit's gunicorn, behind docs/operate/nginx.conf.

Only what has to differ here is replaced: ports, places, and the factory of the portal.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.servers.ports import free_port, wait_for_port
from tests.servers.process import Child, find_program

ROOT = Path(__file__).parents[2]
OPERATE = ROOT / "docs" / "operate"
NAME = "portal.example"
HTTPS = f"https://{NAME}"
STRANGER = "127.0.0.2"
"""An address that is not in the monitoring's network."""
PULL, METRICS = "pull-token-of-the-exchange", "token-of-the-monitoring"
"""What the exchange and the monitoring bring along."""
SECRET, LINE = "4/0-a-code-of-google", "extension-of-somebody"
QUERY = f"?code={SECRET}&state={SECRET}"
TOLD = f"/request/quote/{SECRET.replace('/', '-')}"
ASKED = f"/pull/main/bakkerij-jansen.example/{LINE}"
"""Addresses with what no log may hold: a query, a letter's link, a line of a customer."""

_MAIN = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1; {user}
events {{ worker_connections 64; }}
http {{
  # As Debian's own nginx.conf has it.
  gzip on;
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  include {folder}/portal.conf;
}}
"""


def create_app() -> Flask:
    """The portal that `HOST` describes, with the documented lines for a proxy in front of it."""
    from example_app import create_app as example

    app = example(json.loads(os.environ["HOST"]))
    app.config |= documented_cookie()
    app.wsgi_app = ProxyFix(app.wsgi_app, **documented_hops())  # type: ignore[method-assign]
    connections: list[object] = []

    @app.get("/_seen")
    def seen() -> ResponseReturnValue:
        """What the portal knows of a request, and on which of its connections it came."""
        connection = request.environ["gunicorn.socket"]
        if not any(one is connection for one in connections):
            connections.append(connection)
        return jsonify(
            address=request.remote_addr,
            scheme=request.scheme,
            host=request.host,
            forwarded_for=request.headers.getlist("X-Forwarded-For"),
            asked_for=request.environ["werkzeug.proxy_fix.orig"]["HTTP_HOST"],
            connections=f"{os.getpid()} {len(connections)}",
        )

    return app


def documented_hops() -> dict[str, int]:
    """What docs/operate.md has ProxyFix believe."""
    text = " ".join((ROOT / "docs" / "operate.md").read_text().split())
    found = re.search(r"app\.wsgi_app = ProxyFix\(app\.wsgi_app, ([^)]*)\)", text)
    assert found is not None
    return {name: int(count) for name, count in re.findall(r"(\w+)=(\d)", found[1])}


def documented_cookie() -> dict[str, Any]:
    """What the page's environment says of the session's cookie, as Flask reads it."""
    text = (ROOT / "docs" / "operate.md").read_text()
    found = re.findall(r"^FLASK_(SESSION_COOKIE_\w+)=(\w+)$", text, re.MULTILINE)
    return {name: json.loads(value) for name, value in found}


class AtNginx(httpx.HTTPTransport):
    """Asks `portal.example` at the ports where our nginx listens, with its certificate."""

    def __init__(self, site: Site, address: str | None = None) -> None:
        trust = ssl.create_default_context(cafile=str(site.folder / "fullchain.pem"))
        super().__init__(verify=trust, local_address=address)
        self._ports = {"https": site.tls, "http": site.plain}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        port = self._ports[request.url.scheme]
        there = httpx.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1", port=port),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions | {"sni_hostname": NAME},
        )
        return super().handle_request(there)


@dataclass
class Site:
    """A running nginx: where it writes, and where it listens."""

    folder: Path
    tls: int
    plain: int

    def client(self, address: str | None = None) -> httpx.Client:
        """A browser that takes this nginx for `portal.example`; `address` is its own."""
        return httpx.Client(transport=AtNginx(self, address), timeout=30)

    def logs(self) -> str:
        """Everything that was written to any log, of nginx and of gunicorn."""
        self._settle()
        return "\n".join(one.read_text(errors="replace") for one in self.folder.glob("*.log"))

    def asked(self, path: str) -> list[str]:
        """The lines of the portal's access log about a path."""
        self._settle()
        lines = (self.folder / "portal.log").read_text().splitlines()
        return [line for line in lines if f" {path}" in line]

    def _settle(self) -> None:
        """A line is written after the answer: wait for the one of a last request."""
        mark, log = f"/mark-{uuid4().hex}", self.folder / "portal.log"
        with self.client() as web:
            web.get(f"{HTTPS}{mark}")
        deadline = time.monotonic() + 15
        while mark not in log.read_text():
            assert time.monotonic() < deadline, f"no line of {mark} in {log}"
            time.sleep(0.02)


def certificate(folder: Path) -> None:
    """A key, and the certificate of `portal.example` that it signed itself."""
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "1", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
        "-keyout", str(folder / "key.pem"), "-out", str(folder / "fullchain.pem"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def configuration(folder: Path, *, tls: int, plain: int, below: bool = False) -> Path:
    """The shipped file with the ports and places of this machine, below a main file.

    `below` puts the lines for a portal below a path in force.
    """
    changed = {
        "listen 443 ssl;": f"listen 127.0.0.1:{tls} ssl;",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "/etc/ssl/portal/": f"{folder}/",
        "/var/log/nginx/": f"{folder}/",
        "unix:/run/portal/web.sock": f"unix:{folder}/web.sock",
    }
    text = (OPERATE / "nginx.conf").read_text()
    if below:
        path = re.findall(r"^ +# (?:.* /klant;|rewrite .*;)$", text, re.MULTILINE)
        assert len(path) == 2
        changed |= {line: line.replace("# ", "") for line in path}
    for shipped, here in changed.items():
        assert shipped in text, f"{shipped!r} is not in the shipped file"
        text = text.replace(shipped, here)
    (folder / "portal.conf").write_text(text)
    main = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    main.write_text(_MAIN.format(folder=folder, user=user))
    return main


def unit_command(folder: Path) -> list[str]:
    """The unit's gunicorn with this interpreter, this socket and this portal."""
    unit = (OPERATE / "systemd" / "gcal-web.service").read_text()
    found = re.search(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    assert found is not None
    program, *words = shlex.split(found[1])
    assert program == "/srv/portal/venv/bin/gunicorn"
    changed = {
        "unix:/run/portal/web.sock": f"unix:{folder}/web.sock",
        "portal:create_app()": "tests.support.behind_nginx:create_app()",
    }
    assert set(changed) <= set(words)
    return [sys.executable, "-m", "gunicorn", *(changed.get(word, word) for word in words)]


@contextmanager
def proxy(folder: Path, *, below: bool = False) -> Iterator[Site]:
    """The shipped nginx alone, as in the hour in which the portal is away."""
    certificate(folder)
    tls, plain = free_port(), free_port()
    main = configuration(folder, tls=tls, plain=plain, below=below)
    nginx: list[str | Path] = [find_program("nginx"), "-c", main, "-p", folder]
    with Child(nginx, log=folder / "nginx.log"):
        wait_for_port(tls)
        wait_for_port(plain)
        yield Site(folder, tls, plain)


@contextmanager
def site(folder: Path, values: dict[str, Any]) -> Iterator[Site]:
    """The portal of these settings behind the shipped nginx, until the end of the block."""
    web = Child(
        unit_command(folder), log=folder / "web.log", cwd=ROOT, env={"HOST": json.dumps(values)}
    )
    with web, proxy(folder) as running:
        deadline = time.monotonic() + 60
        with running.client() as client:
            while client.get(f"{HTTPS}/google-calendar/healthz").status_code != 200:
                assert web.running, web.tail()
                assert time.monotonic() < deadline, web.tail()
                time.sleep(0.1)
        yield running


def keeps_quiet(site: Site) -> None:
    """No log of these tests holds what their addresses held besides a path."""
    logs = site.logs()
    for word in (SECRET, SECRET.replace("/", "-"), LINE, "code=", "state=", PULL, METRICS):
        assert word not in logs, word
