"""How much, how often and under which name pages may be asked for.

Limits count in Redis, so that they hold over all processes; where Redis is away each process
counts for itself. Whoever is logged in is counted by account and by tenant, everybody else by
address. Addresses are those that the host's own proxy setting (one hop) lets Flask see.

An exchange that asks at each call is never limited and never waits for Redis: only wrong tokens are
counted, in this process.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import partial
from threading import Lock
from typing import Any

from flask import Blueprint, Flask, Response, abort, request
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded
from redis import Redis

from ..services.runtime import Runtime
from . import current
from .hosts import known

LARGEST_HOOK = 64 * 1024
"""A notification of Google has no body, a security event some 2 kB."""
LARGEST_FORM = 256 * 1024
PROBES = frozenset({"gcal.healthz", "gcal.readyz", "gcal.metrics"})
"""Asked by machines of the operator, by address, often."""

_HOST = re.compile(
    r"(?P<name>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
)
_HOOKS = frozenset({"gcal.hook_push", "gcal.hook_security"})
_PULLS = frozenset({"gcal.pull"})
_GUESSABLE = frozenset({"gcal.request_from_mail", "gcal.callback"})
PER_MINUTE = {"hook": 12_000, "guess": 60, "change": 60, "page": 600}
"""Requests a minute for each account or address, by what is asked for."""
REFUSED_PULLS = 60
"""Pulls a minute with a wrong token, for each address and process."""
MOST_ADDRESSES = 10_000
"""Addresses that are remembered at once; a flood from more starts the count anew."""
TENANT_CHANGES = 1200
"""Changing requests a minute for all accounts of a tenant together."""


def install(app: Flask, blueprint: Blueprint, runtime: Runtime) -> None:
    """Hang the limits on the pages, before anything of a request is read."""
    app.before_request_funcs.setdefault(None, []).insert(0, _before_reading)
    limiter = Limiter(
        key_func=_who,
        storage_uri="redis://" if isinstance(runtime.extras.get("redis"), Redis) else "memory://",
        storage_options=_storage(runtime),
        key_prefix="gcal-limit",
        in_memory_fallback_enabled=True,
        # Of two requests that find Redis gone in the same moment, one changes over to memory; the
        # other would fail, and goes uncounted instead.
        swallow_errors=True,
        headers_enabled=False,
    )
    limiter.shared_limit(_limit, scope=_scope, key_func=_who)(blueprint)
    limiter.shared_limit(
        f"{TENANT_CHANGES}/minute", scope="tenant", key_func=_tenant, exempt_when=_of_no_tenant
    )(blueprint)
    limiter.request_filter(_pulls)
    limiter.init_app(app)
    guesses = Guesses(REFUSED_PULLS)
    blueprint.before_request(partial(_refuse_guesser, guesses))
    blueprint.after_request(partial(_note_guess, guesses))
    blueprint.register_error_handler(RateLimitExceeded, _too_often)


def _storage(runtime: Runtime) -> dict[str, Any]:
    """The plugin's own connection: its time-outs, its TLS and its ACL user."""
    redis = runtime.extras.get("redis")
    return {"connection_pool": redis.connection_pool} if isinstance(redis, Redis) else {}


class Guesses:
    """Wrong tokens of this minute, by address; safe to use from several threads."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._minute = 0
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def note(self, address: str) -> None:
        """One more from there."""
        with self._lock:
            minute = int(self._clock() // 60)
            if minute != self._minute or len(self._counts) > MOST_ADDRESSES:
                self._minute, self._counts = minute, Counter()
            self._counts[address] += 1

    def exhausted(self, address: str) -> bool:
        """Whether that address has had its share of this minute."""
        with self._lock:
            return (
                self._counts.get(address, 0) >= self._most and self._clock() // 60 == self._minute
            )


def _pulls() -> bool:
    return request.endpoint in _PULLS


def _refuse_guesser(guesses: Guesses) -> Response | None:
    return _too_often(None) if _pulls() and guesses.exhausted(_address()) else None


def _note_guess(guesses: Guesses, response: Response) -> Response:
    if _pulls() and response.status_code == 404:
        guesses.note(_address())
    return response


def _before_reading() -> None:
    """Refuse unknown names and bodies that are too large, before anything looks at them."""
    if request.blueprint != "gcal" or request.endpoint in PROBES:
        return
    runtime = current.runtime()
    names = runtime.settings.trusted_hosts
    if names and not is_known(
        request.headers.get("Host", ""), {*names, *(_plain(host) for host in known(runtime))}
    ):
        abort(400)
    largest = LARGEST_HOOK if request.endpoint in _HOOKS else LARGEST_FORM
    own = request.max_content_length
    request.max_content_length = largest if own is None else min(own, largest)
    if request.content_length is not None and request.content_length > request.max_content_length:
        abort(413)


def is_known(host: str, names: AbstractSet[str]) -> bool:
    """Whether a Host header is one of our names, with or without a port; `.x` means below x."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    name = found["name"].lower()
    return any(
        name.endswith(one) if one.startswith(".") else name == one
        for one in (known_name.lower() for known_name in names)
    )


def _plain(host: str) -> str:
    """A host without its port."""
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host


def _scope(_endpoint: str = "") -> str:
    endpoint = request.endpoint
    if endpoint in _HOOKS:
        return "hook"
    if endpoint in _GUESSABLE:
        return "guess"
    return "page" if _reads() else "change"


def _limit() -> str:
    return f"{PER_MINUTE[_scope()]}/minute"


def _of_no_tenant() -> bool:
    """Reading changes nothing, and Google's notifications are nobody's: all come from Google."""
    return _reads() or request.endpoint in _HOOKS


def _reads() -> bool:
    return request.method in {"GET", "HEAD", "OPTIONS"}


def _address() -> str:
    return f"address:{request.remote_addr or '?'}"


def _who() -> str:
    if request.endpoint in _HOOKS:
        return _address()
    found = current.account_or_none()
    return f"account:{found.tenant_id}:{found.id}" if found is not None else _address()


def _tenant() -> str:
    found = current.account_or_none()
    return f"tenant:{found.tenant_id}" if found is not None else _address()


def _too_often(_error: Exception | None) -> Response:
    # Google sends a notification again after a 503, and never after a 429.
    status = 503 if request.endpoint in _HOOKS else 429
    answer = Response(f"{status}\n", status, mimetype="text/plain")
    answer.headers["Retry-After"] = "60"
    return answer
