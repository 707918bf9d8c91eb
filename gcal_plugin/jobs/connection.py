"""Connections to the queue's server: impatient ones for pages, patient ones for workers."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

IMPATIENT = 0.3
"""Seconds that a page waits for the queue's server: a wake-up that fails costs nothing but a tick
of the clock, a page that hangs costs a customer."""
SENTINEL_SCHEMES = ("redis+sentinel", "rediss+sentinel")


def connect(url: str) -> Redis:
    """A lazy client that gives up after 0.3 seconds and never tries twice."""
    return _client(
        url,
        {
            "socket_timeout": IMPATIENT,
            "socket_connect_timeout": IMPATIENT,
            "retry": Retry(NoBackoff(), 0),
            "retry_on_timeout": False,
        },
    )


def connect_worker(url: str) -> Redis:
    """A client for a worker, which waits at the queue; a dead peer is noticed within a minute."""
    return _client(url, {"socket_connect_timeout": 5, "socket_keepalive": True})


def _client(url: str, options: dict[str, Any]) -> Redis:
    parts = urlsplit(url)
    if parts.scheme not in SENTINEL_SCHEMES:
        return Redis.from_url(url, **options)
    return _by_sentinel(url, options)


def _by_sentinel(url: str, options: dict[str, Any]) -> Redis:
    """`redis+sentinel://[:password@]host:port[,host:port...]/service[/db]`."""
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    watchers = []
    for host in hosts.split(","):
        name, _, port = host.partition(":")
        watchers.append((name, int(port or 26379)))
    service, _, number = parts.path.strip("/").partition("/")
    user, _, password = credentials.partition(":")
    watching: dict[str, Any] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    asked = parse_qs(parts.query)
    if "sentinel_password" in asked:
        watching["password"] = asked["sentinel_password"][0]
    if parts.scheme == "rediss+sentinel":
        options = {**options, "ssl": True}
    if password:
        options = {**options, "password": unquote(password)}
        if user:
            options["username"] = unquote(user)
    sentinel = Sentinel(watchers, sentinel_kwargs=watching)  # type: ignore[no-untyped-call]
    master: Redis = sentinel.master_for(  # type: ignore[no-untyped-call]
        service or "mymaster", db=int(number or 0), **options
    )
    return master
