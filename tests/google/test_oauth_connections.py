"""Refreshes go over kept connections: opening one costs far more than what is asked over it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gcal_plugin.google.metadata import Metadata
from gcal_plugin.google.oauth import GoogleOAuth
from gcal_plugin.ports import CalendarError, GrantRevoked, OAuthClient

CLIENT = OAuthClient("a-client", "a-secret")


class TokenServer(ThreadingHTTPServer):
    """Counts its connections; `hangs_up` closes each after an answer, without a word about it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.connections = 0
        self.hangs_up = False
        self.answers: list[tuple[int, object]] = []
        self.threads = threading.Thread(target=self.serve_forever, args=(0.01,))
        self.threads.start()

    def end(self) -> None:
        self.shutdown()
        self.threads.join()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: TokenServer

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        self._answer(200, {"token_endpoint": f"{self.server.url}/token"})
        self.server.connections -= 1  # the discovery document's
        self.close_connection = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        granted: tuple[int, object] = (200, {"access_token": "ya29.new", "expires_in": 3600})
        self._answer(*(self.server.answers.pop(0) if self.server.answers else granted))
        self.close_connection = self.server.hangs_up

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[TokenServer]:
    made = TokenServer()
    yield made
    made.end()


@pytest.fixture
def oauth(server: TokenServer) -> Iterator[GoogleOAuth]:
    made = GoogleOAuth(Metadata(f"{server.url}/discovery"), scopes=())
    yield made
    made.close()


def test_refreshes_one_after_the_other_share_a_connection_whatever_they_are_told(
    server: TokenServer, oauth: GoogleOAuth
) -> None:
    assert oauth.refresh(CLIENT, "1//one").access.value == "ya29.new"
    server.answers = [(400, {"error": "invalid_grant"}), (503, {"error": "internal_failure"})]
    with pytest.raises(GrantRevoked):
        oauth.refresh(CLIENT, "1//two")
    with pytest.raises(CalendarError) as caught:
        oauth.refresh(CLIENT, "1//three")
    assert caught.value.status == 503
    assert oauth.refresh(CLIENT, "1//four").access.value == "ya29.new"
    assert server.connections == 1
    oauth.close()
    assert oauth.refresh(CLIENT, "1//five").access.value == "ya29.new"
    assert server.connections == 2


def test_threads_never_have_more_connections_than_there_are_threads(
    server: TokenServer, oauth: GoogleOAuth
) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: oauth.refresh(CLIENT, "1//one").access.value, range(40)))
    assert found == ["ya29.new"] * 40
    assert server.connections <= 4


def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure(
    server: TokenServer, oauth: GoogleOAuth
) -> None:
    server.hangs_up = True
    for _ in range(5):
        assert oauth.refresh(CLIENT, "1//one").access.value == "ya29.new"
    assert server.connections == 5
