"""One kept connection to Google for each thread, under Google's client library.

httplib2, which that library brings along, does around each request what a browser does (a cache,
redirects, digest logins, international addresses), and has no way through an HTTP proxy of its
own. An API client needs none of the first, which took longer than the request itself, and some
need the second. Its certificates and its answers are used.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import zlib
from base64 import b64encode
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakSet, finalize

import httplib2

_LARGEST = 64 * 1024 * 1024
"""No answer may unpack to more than this, in bytes: a page of 2,500 events takes about one of it
for each 60."""

_STALE = (http.client.BadStatusLine, ConnectionResetError, BrokenPipeError)
"""How a kept connection shows that the other side closed it meanwhile (`RemoteDisconnected` is a
`BadStatusLine`)."""


class Transport:
    """What `HttpRequest.execute(http=...)` needs; not to be shared between threads.

    Raises `OSError`, `HTTPException` or `ValueError` where there is no usable answer.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self.connections: dict[str, http.client.HTTPConnection] = {}

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: str | bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[httplib2.Response, bytes]:
        """Send one request, and read the whole answer.

        A kept connection that turns out to be closed is opened anew, once: nothing had been
        answered on it yet. Whatever else goes wrong closes it, so that no later request can read
        this one's answer.
        """
        scheme, _, rest = uri.partition("://")
        authority, _, path = rest.partition("/")
        connection = self._connection(scheme, authority)
        kept = connection.sock is not None
        try:
            try:
                answer = _send(connection, method, f"/{path}", body, headers)
            except _STALE:
                if not kept:
                    raise
                connection.close()
                answer = _send(connection, method, f"/{path}", body, headers)
            content = answer.read()
            response = httplib2.Response(answer)
            return response, _unpacked(response, content)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close the connections; the next request opens them again."""
        for connection in self.connections.values():
            connection.close()

    def _connection(self, scheme: str, authority: str) -> http.client.HTTPConnection:
        key = f"{scheme}:{authority}"
        connection = self.connections.get(key)
        if connection is None:
            connection = self.connections[key] = _connection(scheme, authority, self._timeout)
        return connection


class Transports:
    """A transport for each thread that asks for one, closed when the thread ends."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._threads = threading.local()
        self._opened: WeakSet[Transport] = WeakSet()

    def mine(self) -> Transport:
        """This thread's transport."""
        found: Transport | None = getattr(self._threads, "transport", None)
        if found is None:
            found = self._threads.transport = Transport(self._timeout)
            self._opened.add(found)
            # A thread that ends takes its connections along: closed, not left to be collected.
            finalize(found, _close_all, found.connections)
        return found

    def close(self) -> None:
        """Close every thread's connections; the next request opens new ones."""
        for transport in list(self._opened):
            transport.close()


def _connection(scheme: str, authority: str, timeout: float) -> http.client.HTTPConnection:
    """A connection that opens when it is used: through the environment's proxy where it is TLS.

    Plain http is for a stand-in on this machine, to which no proxy leads.
    """
    if scheme != "https":
        return http.client.HTTPConnection(authority, timeout=timeout)
    host = urlsplit(f"//{authority}").hostname or ""
    named = None if proxy_bypass(host) else getproxies().get("https")
    if named is None:
        return http.client.HTTPSConnection(authority, timeout=timeout, context=_trust())
    proxy = urlsplit(named if "://" in named else f"http://{named}")
    if proxy.scheme != "http" or proxy.hostname is None:
        raise ValueError("https_proxy must be the address of an http proxy")
    connection = http.client.HTTPSConnection(
        proxy.hostname, proxy.port or 80, timeout=timeout, context=_trust()
    )
    headers = {}
    if proxy.username is not None:
        known = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
        headers["Proxy-Authorization"] = f"Basic {b64encode(known).decode()}"
    connection.set_tunnel(authority, headers=headers)
    return connection


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """Whose certificates count; read once, since reading them takes longer than a request."""
    return ssl.create_default_context(cafile=httplib2.CA_CERTS)


def _close_all(connections: dict[str, http.client.HTTPConnection]) -> None:
    for connection in connections.values():
        connection.close()


def _send(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: str | bytes | None,
    headers: dict[str, str] | None,
) -> http.client.HTTPResponse:
    connection.request(method, path, body, headers or {})
    return connection.getresponse()


def _unpacked(response: httplib2.Response, content: bytes) -> bytes:
    """The body in clear. Raises ValueError where it does not unpack, or to far too much."""
    encoding = response.pop("content-encoding", None)
    if encoding in {None, "identity"} or not content:
        return content
    if encoding not in {"gzip", "deflate"}:
        raise ValueError(f"the body is packed as {encoding}")
    unpacking: Any = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain: bytes = unpacking.decompress(content, _LARGEST)
    except zlib.error as error:
        raise ValueError("the body does not unpack") from error
    if not unpacking.eof:
        raise ValueError("the packed body breaks off, or is too large")
    return plain
