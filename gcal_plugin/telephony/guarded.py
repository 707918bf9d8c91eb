"""The guarded way out: connections go only to addresses that the policy has judged."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any, Self

import httpcore
import httpx

from ..ports.telephony import TelephonyError, Temporary
from .outgoing import OutgoingPolicy, OutgoingRefused, literal_address

MAX_ANSWER = 8 * 1024 * 1024
"""Bytes of an answer; a page of 500 states is about 100 kB."""

Resolver = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name, by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class PinningBackend(httpcore.NetworkBackend):
    """Resolves, judges every address, and connects to one that was judged."""

    def __init__(self, policy: OutgoingPolicy, resolver: Resolver = resolve) -> None:
        self._policy = policy
        self._resolver = resolver
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self._policy.check_host(host, port)
        addresses = self.addresses(host, port, timeout)
        for place, address in enumerate(addresses, start=1):
            try:
                return self._sockets.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if place == len(addresses):
                    raise
        raise httpcore.ConnectError(f"{host} has no address")

    def addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        """Every address of a host; `OutgoingRefused` where one of them may not be called."""
        literal = literal_address(host)
        texts = [str(literal)] if literal is not None else self._resolved(host, port, timeout)
        for text in texts:
            address = literal_address(text)
            if address is None:
                raise OutgoingRefused(f"{host} leads to {text!r}, which is no address")
            # One bad address among good ones is an attack or a mistake; neither gets a call.
            self._policy.check_address(host, address)
        return texts

    def _resolved(self, host: str, port: int, timeout: float | None) -> list[str]:
        """The resolver knows no time-out of its own: it runs beside us and may be left behind."""
        found: list[list[str]] = []
        fault: list[OSError] = []

        def ask() -> None:
            try:
                found.append(self._resolver(host, port))
            except (OSError, UnicodeError) as error:
                fault.append(error if isinstance(error, OSError) else OSError(str(error)))

        asking = Thread(target=ask, daemon=True, name="gcal-resolve")
        asking.start()
        asking.join(timeout)
        if found:
            return found[0]
        if fault:
            raise httpcore.ConnectError(f"{host} is not found: {fault[0]}")
        raise httpcore.ConnectTimeout(f"{host} was not resolved in time")


class _Bounded(httpx.SyncByteStream):
    """An answer's body with an end: so many bytes, and so many seconds for all of them."""

    def __init__(self, stream: Any, *, deadline: float, largest: int) -> None:
        self._stream = stream
        self._deadline = deadline
        self._largest = largest

    def __iter__(self) -> Iterator[bytes]:
        seen = 0
        with _translated():
            for part in self._stream:
                seen += len(part)
                if seen > self._largest:
                    raise TelephonyError(f"the answer is larger than {self._largest} bytes")
                if time.monotonic() > self._deadline:
                    raise Temporary("the answer took too long")
                yield part

    def close(self) -> None:
        self._stream.close()


class GuardedTransport(httpx.BaseTransport):
    """Sends through a pool whose connections the policy has allowed."""

    def __init__(
        self,
        policy: OutgoingPolicy,
        *,
        timeout: float = 5.0,
        connections: int = 16,
        largest: int = MAX_ANSWER,
        resolver: Resolver = resolve,
    ) -> None:
        self._policy = policy
        self._timeout = timeout
        self._largest = largest
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=30.0,
            network_backend=PinningBackend(policy, resolver),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        passed = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        deadline = time.monotonic() + self._timeout
        with _translated():
            answer = self._pool.handle_request(passed)
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Bounded(answer.stream, deadline=deadline, largest=self._largest),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self


@contextmanager
def _translated() -> Iterator[None]:
    """The pool's faults as httpx's own, which the client knows how to classify."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise httpx.TimeoutException(str(error)) from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise httpx.TransportError(str(error) or type(error).__name__) from error
    except httpcore.UnsupportedProtocol as error:
        raise httpx.UnsupportedProtocol(str(error)) from error


def guarded_transport(policy: OutgoingPolicy, *, timeout: float = 5.0) -> GuardedTransport:
    """The transport that the shipped HTTP backends use."""
    return GuardedTransport(policy, timeout=timeout)
