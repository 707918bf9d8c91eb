"""Each adapter and a bare loop that sends the same requests to the same server."""

from __future__ import annotations

import hashlib
import itertools
import json
import socket
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook

from gcal_plugin.domain.destination import Destination
from gcal_plugin.ports import Line, Telephony
from gcal_plugin.telephony.asterisk.packets import render as render_action
from gcal_plugin.telephony.broadworks import ALWAYS, SEVERAL, BroadWorksTelephony
from gcal_plugin.telephony.kamailio import KamailioTelephony
from gcal_plugin.telephony.segments import encode as encode_segments
from gcal_plugin.telephony.segments import of_set
from gcal_plugin.telephony.wire import encode, state_json
from tests.contracts.telephony import numbers
from tests.fakes.ami import SECRET as AMI_SECRET
from tests.fakes.ami import USER as AMI_USER
from tests.fakes.broadworks import CREDENTIALS
from tests.servers.kamailio import Kamailio
from tests.telephony.servers import SECRET, DemoPbx
from tests.telephony.test_contract_asterisk import Family
from tests.telephony.test_contract_broadworks import BroadWorks

LINE = Line("acme.example", "200")
PEERS_LINE = Line("acme.example", "201")
TWO = numbers(2)


@dataclass(slots=True)
class Contest:
    """`prepare(n)` makes n requests of the peer's, `peer` sends them, `ours(n)` pushes n sets."""

    exchange: Telephony
    prepare: Callable[[int], Sequence[Any]]
    peer: Callable[[Sequence[Any]], None]
    sets: Sequence[frozenset[Destination]] = (TWO, numbers(2, start=20_000_000))
    revisions: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def ours(self, count: int) -> None:
        """Push by the adapter, which checks, encodes, sends, and judges what is held."""
        for _ in range(count):
            revision = next(self.revisions)
            self.exchange.replace(LINE, self.sets[revision % 2], revision=revision)


def _http(client: httpx.Client) -> Callable[[Sequence[Any]], None]:
    def send(requests: Sequence[tuple[str, str, bytes, dict[str, str]]]) -> None:
        for method, url, body, headers in requests:
            client.request(method, url, content=body, headers=headers).raise_for_status()

    return send


def webhook(stack: ExitStack, folder: Path) -> Contest:
    """Signed requests to the demo exchange."""
    server = DemoPbx(folder)
    stack.callback(server.stop)
    signer = Webhook(SECRET)
    revisions = itertools.count(1)
    path = f"/domains/{PEERS_LINE.domain}/extensions/{PEERS_LINE.extension}/forwards"

    def prepare(count: int) -> list[tuple[str, str, bytes, dict[str, str]]]:
        made = []
        for _ in range(count):
            body = encode(state_json(PEERS_LINE, TWO, next(revisions)))
            now, number = datetime.now(UTC), f"msg_{uuid.uuid4().hex}"
            headers = {
                "webhook-id": number,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": signer.sign(number, now, body),
                "content-type": "application/json",
            }
            made.append(("PUT", server.url + path, body.encode(), headers))
        return made

    client = stack.enter_context(httpx.Client())
    return Contest(server.connect(server.port), prepare, _http(client))


def kamailio(stack: ExitStack, folder: Path) -> Contest:
    """JSON-RPC to a real Kamailio, which writes each set through to SQLite."""
    server = Kamailio(folder).start()
    stack.callback(server.stop)
    exchange = KamailioTelephony("kamailio", f"http://127.0.0.1:{server.port}", server.token)
    stack.callback(exchange.close)
    headers = {"authorization": f"Bearer {server.token}", "content-type": "application/json"}
    revisions = itertools.count(1)

    def prepare(count: int) -> list[tuple[str, str, bytes, dict[str, str]]]:
        made = []
        for _ in range(count):
            value = encode_segments(of_set(TWO, next(revisions)), "national")
            params = ["acme.example/201", value]
            body = {"jsonrpc": "2.0", "id": 1, "method": "gcal.set", "params": params}
            url = f"http://127.0.0.1:{server.port}/gcal"
            made.append(("POST", url, json.dumps(body).encode(), headers))
        return made

    client = stack.enter_context(httpx.Client())
    return Contest(exchange, prepare, _http(client))


def broadworks(stack: ExitStack, folder: Path) -> Contest:
    """Two services written, one or two read."""
    server = BroadWorks(folder)
    stack.callback(server.stop)
    root = f"http://127.0.0.1:{server.port}/com.broadsoft.xsi-actions"
    user = f"{root}/v2.0/user/201@acme.example/services"
    name = 'xmlns="http://schema.broadsoft.com/xsi"'
    locations = "".join(
        f"<simRingLocation><address>{one.value}</address>"
        "<answerConfirmationRequired>false</answerConfirmationRequired></simRingLocation>"
        for one in TWO
    )
    several = (
        f"<{SEVERAL} {name}><active>true</active><simRingLocations>{locations}"
        f"</simRingLocations></{SEVERAL}>"
    )
    nil = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"'
    always = (
        f"<{ALWAYS} {name}><active>false</active><forwardToPhoneNumber {nil}/>"
        f"<ringSplash>false</ringSplash></{ALWAYS}>"
    )
    headers = {"content-type": "application/xml"}
    push = [
        ("PUT", f"{user}/{SEVERAL}", several.encode(), headers),
        ("PUT", f"{user}/{ALWAYS}", always.encode(), headers),
        ("GET", f"{user}/{ALWAYS}", b"", headers),
        ("GET", f"{user}/{SEVERAL}", b"", headers),
    ]
    client = stack.enter_context(httpx.Client(auth=CREDENTIALS))
    exchange: BroadWorksTelephony = server.connect(server.port)
    return Contest(exchange, lambda count: push * count, _http(client))


def ami(stack: ExitStack, folder: Path) -> Contest:
    """Read, put, read back over a plain socket."""
    server = Family(folder)
    stack.callback(server.stop)
    wire = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
    lines = stack.enter_context(wire.makefile("rb"))

    def answer(number: bytes, event: bytes = b"") -> dict[bytes, bytes]:
        """As the least of clients has to: packets by their number, up to the one that ends it."""
        while True:
            packet = {}
            while line := lines.readline().rstrip():
                name, _, value = line.partition(b": ")
                packet[name] = value
            if packet.get(b"ActionID") == number and packet.get(b"Event", b"") == event:
                return packet

    lines.readline()
    wire.sendall(render_action("Challenge", "1", {"AuthType": "MD5"}))
    challenge = answer(b"1")[b"Challenge"].decode()
    key = hashlib.md5((challenge + AMI_SECRET).encode()).hexdigest()
    proof = {"AuthType": "MD5", "Username": AMI_USER, "Key": key, "Events": "off"}
    wire.sendall(render_action("Login", "2", proof))
    answer(b"2")
    row = {"Family": "gcal", "Key": "acme.example/201"}
    wire.sendall(render_action("DBPut", "3", {**row, "Val": "1:0:0:"}))
    answer(b"3")

    def prepare(count: int) -> list[tuple[bytes, bytes, bytes]]:
        get = (render_action("DBGet", "4", row), b"4", b"DBGetComplete")
        made = []
        for revision in range(count):
            value = f"{revision}:0:0:{'-'.join(one.value for one in TWO)}"
            put = render_action("DBPut", "5", {**row, "Val": value})
            made += [get, (put, b"5", b""), get]
        return made

    def send(actions: Sequence[tuple[bytes, bytes, bytes]]) -> None:
        for raw, number, event in actions:
            wire.sendall(raw)
            answer(number, event)

    return Contest(server.connect(server.port), prepare, send)
