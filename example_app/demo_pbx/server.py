"""HTTP around the receiver: keep-alive, one thread a connection, loopback only."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .control import Control
from .page import STYLE, WORDS, render
from .receiver import Answer, Receiver

LARGEST_BODY = 4 * 1024 * 1024


class PbxServer(ThreadingHTTPServer):
    """The demo exchange's server; `address` says where it listens."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, receiver: Receiver, control: Control, port: int = 0) -> None:
        self.receiver = receiver
        self.control = control
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def address(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "demo-pbx"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: PbxServer

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/":
            self._text(render(self.server.receiver.exchange, self._language(url.query)))
        elif url.path == "/style.css":
            self._text(STYLE, "text/css")
        else:
            self._contract()

    def do_PUT(self) -> None:
        self._contract()

    def do_POST(self) -> None:
        self._contract()

    def do_DELETE(self) -> None:
        self._contract()

    def _contract(self) -> None:
        length = self.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._answer(Answer(413, {"error": "too large"}))
            return
        body = self.rfile.read(int(length))
        if self.path.startswith("/_control/"):
            self._answer(self.server.control.handle(self.command, self.path, body))
            return
        headers = {key.lower(): value for key, value in self.headers.items()}
        self._answer(self.server.receiver.handle(self.command, self.path, headers, body))

    def _answer(self, answer: Answer) -> None:
        if answer.status is None:
            self.close_connection = True
            return
        raw = json.dumps(answer.body, separators=(",", ":")).encode()
        more = {} if answer.retry_after is None else {"retry-after": str(answer.retry_after)}
        self._send(answer.status, raw, "application/json", more)

    def _text(self, text: str, kind: str = "text/html") -> None:
        more = {"content-security-policy": "default-src 'none'; style-src 'self'"}
        self._send(HTTPStatus.OK, text.encode(), f"{kind}; charset=utf-8", more)

    def _send(self, status: int, raw: bytes, kind: str, more: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(raw)))
        self.send_header("cache-control", "no-store")
        for key, value in more.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(raw)

    def _language(self, query: str) -> str:
        asked = parse_qs(query).get("lang", [self.headers.get("accept-language", "nl")])[0]
        return asked[:2].lower() if asked[:2].lower() in WORDS else "nl"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Quiet: the history says more than a log of requests."""
