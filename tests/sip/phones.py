"""Phones, a gateway and callers in Python, since one sipp cannot take two branches of one call.

Each phone rings and then declines at once, unless it is told otherwise. The caller's final answer
comes when every branch has ended, so who rang is known exactly, without waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, Self, cast

from tests.servers import free_port

from .message import Message

Mood = Literal["decline", "busy", "answer", "ring", "dead"]


@dataclass(slots=True)
class Call:
    """What became of one call."""

    number: str
    rang: set[str] = field(default_factory=set)
    """Who rang at the gateway, as dialled."""
    own: bool = False
    """Whether the extension's own phone rang."""
    cancelled: set[str] = field(default_factory=set)
    diversions: set[str] = field(default_factory=set)
    invites: int = 0
    status: int = 0
    seconds: float = 0.0


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[Message, tuple[str, int], asyncio.DatagramTransport], None]):
        self._take = take

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if len(data) > 8:
            self._take(Message.read(data), address, self.transport)


class Phones:
    """A gateway port, a port of own phones and a caller, on one loop in a thread of its own."""

    def __init__(self) -> None:
        self.gateway = free_port()
        self.own = free_port()
        self.moods: dict[str, Mood] = {}
        self.calls: dict[str, Call] = defaultdict(lambda: Call(""))
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[int]] = {}
        self._ringing: dict[tuple[str, str], Message] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._transports: list[asyncio.DatagramTransport] = []

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._close)
        self._thread.join(5)
        self._loop.close()

    async def _open(self) -> None:
        for port, take in ((self.gateway, self._number), (self.own, self._own_phone)):
            transport, _ = await self._loop.create_datagram_endpoint(
                lambda take=take: _Udp(take),  # type: ignore[misc]
                local_addr=("127.0.0.1", port),
            )
            self._transports.append(transport)
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Udp(self._answered), local_addr=("127.0.0.1", 0)
        )
        self._caller = transport
        self._transports.append(transport)
        self._port = transport.get_extra_info("sockname")[1]

    def _close(self) -> None:
        for transport in self._transports:
            transport.close()
        self._loop.call_soon(self._loop.stop)

    # -- phones ------------------------------------------------------------------------------

    def _number(self, message: Message, address: tuple[str, int], out: asyncio.DatagramTransport):
        self._phone(message, address, out, own=False)

    def _own_phone(
        self, message: Message, address: tuple[str, int], out: asyncio.DatagramTransport
    ):
        self._phone(message, address, out, own=True)

    def _phone(
        self,
        message: Message,
        address: tuple[str, int],
        out: asyncio.DatagramTransport,
        *,
        own: bool,
    ) -> None:
        if message.status or message.method == "ACK":
            return
        user = message.user
        call = self.calls[message.one("call-id")]
        mood = self.moods.get(user, "decline")
        if mood == "dead":
            return
        tag = f"t{user.lstrip('+')}"
        if message.method == "CANCEL":
            call.cancelled.add(user)
            out.sendto(message.answer(200, "OK", tag), address)
            invite = self._ringing.pop((message.one("call-id"), user), None)
            if invite is not None:
                out.sendto(invite.answer(487, "Request Terminated", tag), address)
            return
        if message.method != "INVITE":
            out.sendto(message.answer(200, "OK", tag), address)
            return
        call.invites += 1
        if own:
            call.own = True
        else:
            call.rang.add(user)
        call.diversions.update(message.all("diversion"))
        out.sendto(message.answer(180, "Ringing", tag), address)
        if mood == "answer":
            port = self.own if own else self.gateway
            contact = f"Contact: <sip:{user}@127.0.0.1:{port}>"
            # Nobody answers before the other branches are on their way.
            ok = message.answer(200, "OK", tag, contact)
            self._loop.call_later(0.15, lambda: out.sendto(ok, address))
        elif mood == "ring":
            self._ringing[message.one("call-id"), user] = message
        else:
            status = 486 if mood == "busy" else 480
            out.sendto(message.answer(status, "Not Now", tag), address)

    # -- the caller --------------------------------------------------------------------------

    def _answered(self, message: Message, address: tuple[str, int], _: object) -> None:
        if message.status < 200 or message.method != "INVITE":
            return
        request = self._waiting.get(message.one("call-id"))
        via = message.one("via")
        branch = via.partition("branch=")[2].partition(";")[0]
        target = f"sip:{message.one('to').partition('sip:')[2].partition('>')[0]}"
        ack = (
            f"ACK {target} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._port};branch="
            f"{branch if message.status >= 300 else branch + 'a'}\r\n"
            "Max-Forwards: 70\r\n"
            f"From: {message.one('from')}\r\nTo: {message.one('to')}\r\n"
            f"Call-ID: {message.one('call-id')}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"
        )
        self._caller.sendto(ack.encode(), address)
        if request is not None and not request.done():
            request.set_result(message.status)

    async def _place(
        self, port: int, extension: str, domain: str, at: int | None, patience: float
    ) -> Call:
        number = next(self._numbers)
        call_id = f"call-{number}-{self._port}"
        call = self.calls[call_id]
        call.number = extension
        headers = [
            f"INVITE sip:{extension}@{domain} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._port};branch=z9hG4bK-{number}-{self._port}",
            "Max-Forwards: 70",
            f"From: <sip:+31201111111@caller.example>;tag=c{number}",
            f"To: <sip:{extension}@{domain}>",
            f"Call-ID: {call_id}",
            "CSeq: 1 INVITE",
            f"Contact: <sip:caller@127.0.0.1:{self._port}>",
            "Content-Length: 0",
        ]
        if at is not None:
            headers.insert(-1, f"X-Gcal-At: {at}")
        waiting: asyncio.Future[int] = self._loop.create_future()
        self._waiting[call_id] = waiting
        invite = ("\r\n".join(headers) + "\r\n\r\n").encode()
        began = time.perf_counter()
        self._caller.sendto(invite, ("127.0.0.1", port))
        with contextlib.suppress(TimeoutError):
            call.status = await asyncio.wait_for(waiting, patience)
        call.seconds = time.perf_counter() - began
        del self._waiting[call_id]
        return call

    def call(
        self,
        port: int,
        extension: str = "200",
        domain: str = "acme.example",
        *,
        at: int | None = None,
        patience: float = 8.0,
    ) -> Call:
        """Call an extension through the exchange at `port`; returns when the call has ended."""
        return self.call_many(port, [(extension, domain, at)], together=1, patience=patience)[0]

    def call_many(
        self,
        port: int,
        whom: Iterable[tuple[str, str, int | None]],
        *,
        together: int = 16,
        patience: float = 8.0,
    ) -> list[Call]:
        """Many calls, so many at a time; in the order they were given."""

        async def all_of_them() -> list[Call]:
            free = asyncio.Semaphore(together)

            async def one(extension: str, domain: str, at: int | None) -> Call:
                async with free:
                    return await self._place(port, extension, domain, at, patience)

            return await asyncio.gather(*(one(*each) for each in whom))

        return asyncio.run_coroutine_threadsafe(all_of_them(), self._loop).result()
