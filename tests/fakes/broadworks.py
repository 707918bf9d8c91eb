"""Xsi-Actions as its documentation describes it: users, two services, XML in its namespace.

It keeps what a PUT says whole and answers it to a GET; it checks the namespace, the order of the
elements, Basic credentials and that the user exists. `python -m tests.fakes.broadworks`.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

ROOT = "/com.broadsoft.xsi-actions/v2.0"
XSI = "http://schema.broadsoft.com/xsi"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
CREDENTIALS = ("admin@acme.example", "only-for-this-test")
ORDER = {
    "CallForwardingAlways": ["active", "forwardToPhoneNumber", "ringSplash"],
    "SimultaneousRingPersonal": ["active", "simRingLocations"],
}


class Users:
    """Services by user; kept in a file at every write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.services: dict[str, dict[str, str]] = json.loads(path.read_text())

    def put(self, user: str, service: str, body: str) -> None:
        with self.lock:
            self.services[user][service] = body
            new = self.path.with_suffix(".new")
            new.write_text(json.dumps(self.services))
            new.replace(self.path)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    users: Users

    def do_GET(self) -> None:
        self.answer_request(b"")

    def do_PUT(self) -> None:
        self.answer_request(self.rfile.read(int(self.headers.get("content-length", 0))))

    def answer_request(self, body: bytes) -> None:
        right = base64.b64encode(":".join(CREDENTIALS).encode()).decode()
        if self.headers.get("authorization") != f"Basic {right}":
            self.fail(401, "Authentication failed")
            return
        parts = unquote(self.path).removeprefix(ROOT).strip("/").split("/")
        if parts == ["versions"]:
            self.send(200, f'<Versions xmlns="{XSI}"><version>2.0</version></Versions>')
            return
        if len(parts) != 4 or parts[0] != "user" or parts[3] not in ORDER:
            self.fail(404, "Not found")
            return
        user, service = parts[1], parts[3]
        if user not in self.users.services:
            self.fail(404, f"User not found: {user}")
        elif self.command == "GET":
            empty = f'<{service} xmlns="{XSI}"><active>false</active></{service}>'
            self.send(200, self.users.services[user].get(service, empty))
        else:
            self.put(user, service, body)

    def put(self, user: str, service: str, body: bytes) -> None:
        try:
            found = ET.fromstring(body)
        except ET.ParseError as error:
            self.fail(400, str(error))
            return
        names = [child.tag.removeprefix(f"{{{XSI}}}") for child in found]
        if found.tag != f"{{{XSI}}}{service}" or names != ORDER[service]:
            self.fail(400, f"not a {service}: {names}")
        elif found[0].text == "true" and found[1].get(NIL) == "true":
            self.fail(400, "an active service needs a destination")
        else:
            self.users.put(user, service, body.decode())
            self.send(200, "")

    def fail(self, status: int, words: str) -> None:
        self.send(status, f'<ErrorInfo xmlns="{XSI}"><summary>{words}</summary></ErrorInfo>')

    def send(self, status: int, body: str) -> None:
        raw = body.encode()
        self.send_response(status)
        self.send_header("content-type", "application/xml; charset=UTF-8")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    Handler.users = Users(given.data)
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    server.daemon_threads = True
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
