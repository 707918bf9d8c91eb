"""The kept connection to Google: against a server that breaks it in every way there is."""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException, IncompleteRead
from pathlib import Path

import pytest

from gcal_plugin.google import transport
from gcal_plugin.google.transport import Transport, Transports

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CLOSE = b""
"""Instead of an answer: the server closes the connection."""


class Server:
    """Gives the answers one after the other, over as many connections as it takes."""

    def __init__(self, answers: list[bytes]) -> None:
        self._answers = answers
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.heard: list[bytes] = []
        self.connections = 0
        self.let_go = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while self._answers:
            with suppress(OSError):
                line, _ = self._socket.accept()
                self.connections += 1
                with line:
                    self._answer(line)
        self._socket.close()

    def _answer(self, line: socket.socket) -> None:
        while self._answers:
            heard = b""
            while b"\r\n\r\n" not in heard:
                part = line.recv(65536)
                if not part:
                    return
                heard += part
            self.heard.append(heard)
            answer = self._answers.pop(0)
            line.sendall(answer)
            if answer == CLOSE or b"Content-Length: 9" in answer:
                return
        self.let_go.wait(10)

    def close(self) -> None:
        self.let_go.set()
        self._thread.join(10)
        assert not self._thread.is_alive(), "the server was not asked for all its answers"


@contextmanager
def server(*answers: bytes) -> Iterator[Server]:
    one = Server(list(answers))
    try:
        yield one
    finally:
        one.close()


def test_one_connection_serves_many_requests() -> None:
    with server(OK, OK, OK) as google:
        line = Transport(5.0)
        for _ in range(3):
            response, content = line.request(f"{google.url}/a/b?c=d", headers={"x-y": "z"})
            assert (response.status, content) == (200, b"{}")
        line.close()
    assert google.connections == 1
    assert google.heard[0].startswith(b"GET /a/b?c=d HTTP/1.1\r\n")
    assert b"x-y: z\r\n" in google.heard[0]


def test_a_kept_connection_that_was_closed_meanwhile_is_opened_anew_once() -> None:
    with server(OK, CLOSE, OK) as google:
        line = Transport(5.0)
        line.request(f"{google.url}/1")
        response, _ = line.request(f"{google.url}/2", "POST", b"body", {"content-length": "4"})
        assert response.status == 200
        line.close()
    assert google.connections == 2
    assert [heard.split(b" ")[1] for heard in google.heard] == [b"/1", b"/2", b"/2"]


def test_a_new_connection_that_is_closed_at_once_is_an_error() -> None:
    with server(CLOSE) as google:
        line = Transport(5.0)
        with pytest.raises((HTTPException, ConnectionError)):
            line.request(f"{google.url}/1")
    assert len(google.heard) == 1


def test_after_a_broken_answer_the_next_request_gets_its_own() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
    with server(cut, OK) as google:
        line = Transport(5.0)
        with pytest.raises(IncompleteRead):
            line.request(f"{google.url}/1")
        assert line.request(f"{google.url}/2")[1] == b"{}"
        line.close()
    assert google.connections == 2


def test_a_late_answer_is_never_taken_for_the_next_request() -> None:
    begun = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    late = Server([begun.replace(b"9", b"8"), OK])
    line = Transport(0.2)
    with pytest.raises(TimeoutError):
        line.request(f"{late.url}/1")
    assert all(one.sock is None for one in line.connections.values())
    assert line.request(f"{late.url}/2")[1] == b"{}"
    line.close()
    late.close()
    assert late.connections == 2


def _packed(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_packed_answers_are_unpacked_and_a_bomb_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_LARGEST", 1000)
    whole, bomb = gzip.compress(b"x" * 1000), gzip.compress(b"x" * 100_000)
    with server(_packed(whole), _packed(bomb), _packed(whole[:-12]), _packed(b"no gzip")) as google:
        line = Transport(5.0)
        response, content = line.request(f"{google.url}/")
        assert content == b"x" * 1000
        assert "content-encoding" not in response
        for _ in range(3):
            with pytest.raises(ValueError, match="pack"):
                line.request(f"{google.url}/")


def test_redirects_are_answers_and_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://e.example/\r\nContent-Length: 0\r\n\r\n"
    with server(moved) as google:
        line = Transport(5.0)
        assert line.request(f"{google.url}/")[0].status == 302
        line.close()


def test_tls_goes_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    monkeypatch.delenv("no_proxy", raising=False)
    with server(refused) as proxy:
        address = proxy.url.replace("://", "://jan:p%40ss@")
        monkeypatch.setenv("https_proxy", address)
        with pytest.raises(OSError, match="407"):
            Transport(5.0).request("https://calendar.example/calendar/v3/", headers={"a": "b"})
        proxy.let_go.set()
    (heard,) = proxy.heard
    assert heard.startswith(b"CONNECT calendar.example:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic amFuOnBAc3M=\r\n" in heard  # jan:p@ss
    assert b"a: b" not in heard


def test_no_proxy_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(ValueError, match="http proxy"):
        Transport(1.0).request("https://calendar.example/")
    with pytest.raises(ConnectionRefusedError):
        Transport(1.0).request("https://127.0.0.1:9/")


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=localhost"]
    subprocess.run(command, check=True, capture_output=True)
    offer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    offer.load_cert_chain(certificate, key)

    def greet(listening: socket.socket) -> None:
        line, _ = listening.accept()
        with line, suppress(OSError), offer.wrap_socket(line, server_side=True):
            pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=greet, args=(listening,))
        thread.start()
        with pytest.raises(ssl.SSLCertVerificationError):
            Transport(5.0).request(f"https://localhost:{listening.getsockname()[1]}/")
        thread.join()


def test_each_thread_has_its_own_and_it_ends_with_the_thread() -> None:
    with server(OK) as google:
        all_of_them = Transports(5.0)
        mine, theirs = all_of_them.mine(), []

        def ask() -> None:
            line = all_of_them.mine()
            line.request(f"{google.url}/")
            theirs.append((id(line), line.connections))

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        ((other, connections),) = theirs
        assert other != id(mine)
        assert all_of_them.mine() is mine
        assert connections
        assert all(one.sock is None for one in connections.values())
