"""Sixty ways to make us call a machine that is not an exchange: none of them works."""

from __future__ import annotations

import http.server
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from gcal_plugin.ports import AuthFailed, TelephonyError, Temporary
from gcal_plugin.telephony.guarded import GuardedTransport
from gcal_plugin.telephony.http import ExchangeClient, body_of
from gcal_plugin.telephony.outgoing import OutgoingPolicy, OutgoingRefused

PUBLIC = "93.184.215.14"

HOSTILE = [
    # this machine, in all its names
    "https://127.0.0.1/", "https://127.0.0.1:8443/", "https://127.1/", "https://127.255.255.254/",
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/",
    "https://017700000001/", "https://0/", "https://0.0.0.0/", "https://localhost/",
    "https://LOCALHOST/", "https://localhost./", "https://[::1]/", "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/", "https://[::7f00:1]/",
    # a cloud's metadata
    "https://169.254.169.254/latest/meta-data/", "https://[::ffff:169.254.169.254]/",
    "https://[fd00:ec2::254]/", "https://[fd20:ce::254]/", "https://168.63.129.16/",
    "https://100.100.100.200/", "https://192.0.0.192/", "https://2852039166/",
    "https://0xa9fea9fe/", "https://169.254.170.2/", "https://metadata.test/",
    # private and other networks that are nobody's exchange
    "https://10.0.0.1/", "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.1.1/",
    "https://100.64.0.1/", "https://198.18.0.1/", "https://224.0.0.1/", "https://255.255.255.255/",
    "https://240.0.0.1/", "https://[fc00::1]/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/",
    "https://[ff02::1]/", "https://[2001:db8::1]/",
    # an IPv4 address inside an IPv6 one
    "https://[2002:7f00:1::]/", "https://[2002:a9fe:a9fe::]/", "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/", "https://[64:ff9b:1::a00:1]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    # what is no plain https address
    "http://pbx.test/", "ftp://pbx.test/", "file:///etc/passwd", "gopher://pbx.test/",
    "//pbx.test/", "https:///nothing", "https://user:pass@pbx.test/", "https://pbx.test@127.0.0.1/",
    "https://127.0.0.1#@pbx.test/", "https://pbx.test\\@127.0.0.1/", "https://pbx.test:22/",
    "https://pbx.test:25/", "https://pbx.test:99999/", "https://pbx.test/?next=x",
    "https://pbx.test/\r\nHost: 127.0.0.1", "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "https://pbx。test/",
    "https://mixed.test/", "https://private.test/", "https://mapped.test/",
]  # fmt: skip

NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    "metadata.test": ["169.254.169.254"],
    "mixed.test": [PUBLIC, "10.0.0.1"],
    "private.test": ["192.168.178.1"],
    "mapped.test": ["::ffff:10.0.0.1"],
    "pbx.test": [PUBLIC],
}


def resolver(host: str, port: int) -> list[str]:
    """A resolver of ours; a literal resolves to itself, as with the system's."""
    if host in NAMES:
        return NAMES[host]
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        raise OSError(f"{host} is unknown") from None


class Landing(http.server.BaseHTTPRequestHandler):
    """What listens on this machine, and must not be reached."""

    protocol_version = "HTTP/1.1"
    reached: list[str]

    def do_GET(self) -> None:
        self.reached.append(self.path)
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("location", "/secret")
            self.send_header("content-length", "0")
            self.end_headers()
        elif self.path == "/large":
            self.send_response(200)
            self.send_header("content-length", str(10_000_000))
            self.end_headers()
            self.wfile.write(b"x" * 1_000_000)
        elif self.path == "/slow":
            self.send_response(200)
            self.send_header("content-length", "100")
            self.end_headers()
            for _ in range(100):
                time.sleep(0.1)
                self.wfile.write(b"x")
        else:
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the client had enough, as it should


@pytest.fixture
def landing() -> Iterator[http.server.ThreadingHTTPServer]:
    handler = type("Handler", (Landing,), {"reached": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def client(policy: OutgoingPolicy, url: str, **options: float | object) -> ExchangeClient:
    transport = GuardedTransport(policy, resolver=resolver, **options)  # type: ignore[arg-type]
    return ExchangeClient(url, transport=transport)


def test_there_are_sixty_of_them():
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_is_refused_before_a_byte_leaves(url: str, monkeypatch):
    """By its own text, or else by what it resolves to: never by a connection that was tried."""
    dialled: list[object] = []
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: dialled.append(a))
    policy = OutgoingPolicy()

    def call() -> None:
        policy.check_url(url)
        client(policy, url.rstrip("/")).send("GET", "/")

    with pytest.raises((OutgoingRefused, Temporary, httpx.InvalidURL)) as caught:
        call()
    assert dialled == []
    # Only a name that nobody knows may end in another way than by refusal.
    assert isinstance(caught.value, OutgoingRefused) or "not found" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["https://pbx.example/gcal", "https://pbx.example:8443", "https://[2606:2800:21f:cb07::1]/x"],
)
def test_an_ordinary_address_is_fine(url: str):
    OutgoingPolicy().check_url(url)


def test_the_list_of_hosts_is_the_whole_list():
    policy = OutgoingPolicy(hosts=frozenset({"pbx.example", ".telecom.example"}))
    for host in ("pbx.example", "a.telecom.example", "telecom.example", "PBX.example"):
        policy.check_url(f"https://{host}/")
    for host in (
        "pbx.example.evil.test",
        "evilpbx.example",
        "eviltelecom.example",
        "x.pbx.example",
    ):
        with pytest.raises(OutgoingRefused, match="allowed hosts"):
            policy.check_url(f"https://{host}/")


def test_loopback_and_private_networks_only_by_an_explicit_setting(landing):
    url = f"http://127.0.0.1:{landing.server_port}"
    with pytest.raises(OutgoingRefused):
        client(OutgoingPolicy(private=True), url).send("GET", "/")
    with pytest.raises(OutgoingRefused):
        OutgoingPolicy(loopback=True).check_url("http://10.0.0.1:8080")
    with pytest.raises(OutgoingRefused):
        OutgoingPolicy(loopback=True, private=True).check_url("http://169.254.169.254")
    allowed = client(OutgoingPolicy(loopback=True), url)
    assert allowed.send("GET", "/").status_code == 200
    allowed.close()


def test_a_name_that_changes_its_mind_gains_nothing(landing):
    """Rebinding: public when it is asked first, this machine when it is asked again."""
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    dialled: list[tuple[str, int]] = []
    transport = GuardedTransport(OutgoingPolicy(loopback=False, private=True), resolver=rebinding)
    backend = transport._pool._network_backend
    assert backend is not None

    class Dialling:
        def connect_tcp(self, host: str, port: int, *_: object) -> None:
            dialled.append((host, port))
            raise httpx.ConnectError("not in this test")

    backend._sockets = Dialling()  # type: ignore[attr-defined]
    exchange = ExchangeClient(f"http://pbx.test:{landing.server_port}", transport=transport)
    with pytest.raises(Temporary):
        exchange.send("GET", "/")
    with pytest.raises(OutgoingRefused):
        exchange.send("GET", "/")
    # The connection went to the address that was judged, and never to the name.
    assert dialled == [(PUBLIC, landing.server_port)]
    assert asked == ["pbx.test", "pbx.test"]
    assert landing.RequestHandlerClass.reached == []


def test_redirects_are_not_followed(landing):
    exchange = client(OutgoingPolicy(loopback=True), f"http://127.0.0.1:{landing.server_port}")
    with pytest.raises(TelephonyError, match="redirects") as caught:
        body_of(exchange.send("GET", "/redirect"))
    assert caught.value.permanent
    assert landing.RequestHandlerClass.reached == ["/redirect"]
    exchange.close()


def test_an_endless_answer_is_cut_off(landing):
    url = f"http://127.0.0.1:{landing.server_port}"
    exchange = client(OutgoingPolicy(loopback=True), url, largest=100_000)
    with pytest.raises(TelephonyError, match="larger than"):
        exchange.send("GET", "/large")
    exchange.close()


def test_an_answer_that_drips_ends_in_time(landing):
    url = f"http://127.0.0.1:{landing.server_port}"
    exchange = client(OutgoingPolicy(loopback=True), url, timeout=0.5)
    began = time.monotonic()
    with pytest.raises(Temporary, match="too long"):
        exchange.send("GET", "/slow")
    assert time.monotonic() - began < 2
    exchange.close()


def test_a_resolver_that_hangs_is_left_behind():
    def hanging(host: str, port: int) -> list[str]:
        time.sleep(3)
        return [PUBLIC]

    transport = GuardedTransport(OutgoingPolicy(), resolver=hanging)
    exchange = ExchangeClient("https://pbx.test", transport=transport, connect_timeout=0.3)
    began = time.monotonic()
    with pytest.raises(Temporary, match="in time"):
        exchange.send("GET", "/")
    assert time.monotonic() - began < 2


def test_refusals_are_permanent_and_no_log_in_trouble():
    assert OutgoingRefused("x").permanent
    assert not issubclass(OutgoingRefused, AuthFailed)
