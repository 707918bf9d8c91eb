"""Discovery documents and signing keys: fetched late, kept a while, fetched again when needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ..ports import CalendarError
from .errors import from_answer, unreachable

_ALGORITHMS = ["RS256"]
_DOCUMENT_LIFE = 86_400.0
_KEYS_LIFE = 3_600.0
_KEYS_PATIENCE = 60.0
"""An unknown key id makes us fetch the keys again, but at most once in so many seconds."""


def fetch_json(url: str, timeout: float) -> dict[str, Any]:
    """A JSON object from the web; raises `CalendarError`."""
    try:
        answer = httpx.get(url, timeout=timeout, follow_redirects=False)
    except httpx.HTTPError as error:
        raise unreachable(error) from None
    if answer.status_code != 200:
        raise from_answer(answer.status_code, answer.headers, answer.content)
    try:
        data = answer.json()
    except ValueError as error:
        raise unreachable(error) from None
    if not isinstance(data, dict):
        raise unreachable(TypeError("not an object"))
    return data


class Metadata:
    """A discovery document and the keys that it points to. Safe to share between threads."""

    def __init__(
        self, url: str, *, timeout: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._document: dict[str, Any] = {}
        self._fetched_at = float("-inf")
        self._failed_at = float("-inf")
        self._failure: CalendarError | None = None
        self.keys = Keys(lambda: self.endpoint("jwks_uri"), timeout=timeout, clock=clock)

    def document(self) -> Mapping[str, Any]:
        """The document; an older copy stands in while it cannot be fetched.

        Threads that waited for an attempt which failed do not each make another: one time-out
        after the other would add up to minutes.
        """
        began = self._clock()
        if began - self._fetched_at < _DOCUMENT_LIFE:
            return self._document
        with self._lock:
            if self._clock() - self._fetched_at >= _DOCUMENT_LIFE and self._failed_at < began:
                self._fetch()
            if not self._document and self._failure is not None:
                raise self._failure
        return self._document

    def _fetch(self) -> None:
        try:
            self._document = fetch_json(self._url, self._timeout)
        except CalendarError as error:
            self._failed_at, self._failure = self._clock(), error
        else:
            self._fetched_at, self._failure = self._clock(), None

    def endpoint(self, name: str) -> str:
        """An address that the document names; raises `CalendarError` where it does not."""
        value = self.document().get(name)
        if not isinstance(value, str) or not value:
            raise CalendarError(f"the discovery document names no {name}", reason="bad_discovery")
        return value


class Keys:
    """The provider's public keys, by key id."""

    def __init__(
        self, url: Callable[[], str], *, timeout: float, clock: Callable[[], float]
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._set: KeySet | None = None
        self._ids: frozenset[str] = frozenset()
        self._fetched_at = float("-inf")

    def decode(self, token: str) -> jwt.Token:
        """Check the signature of a JWT and read it; raises `JoseError` or ValueError.

        Only the signature: the claims are the caller's.
        """
        key_id = _key_id(token)
        keys = self._fresh()
        if key_id not in self._ids and self._clock() - self._fetched_at > _KEYS_PATIENCE:
            keys = self._fetch()
        if key_id not in self._ids:
            raise UnknownKey(f"no key {key_id!r}")
        return jwt.decode(token, keys, algorithms=_ALGORITHMS)

    def _fresh(self) -> KeySet:
        if self._set is not None and self._clock() - self._fetched_at < _KEYS_LIFE:
            return self._set
        return self._fetch()

    def _fetch(self) -> KeySet:
        with self._lock:
            data = fetch_json(self._url(), self._timeout)
            found = KeySet.import_key_set({"keys": list(data.get("keys", []))})
            self._set, self._fetched_at = found, self._clock()
            self._ids = frozenset(str(key.get("kid", "")) for key in data.get("keys", []))
            return found


class UnknownKey(JoseError):
    """The token names a key that the provider does not publish."""

    error = "unknown_key"


def _key_id(token: str) -> str:
    from joserfc.jws import extract_compact

    header = extract_compact(token.encode()).headers()
    return str(header.get("kid", ""))
