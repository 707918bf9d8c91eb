"""Tokens at rest: AES-256-GCM with a key id, bound to the place they are stored in.

A sealed value is `v1.<key id>.<base64 of nonce and ciphertext>`. The associated data names table,
row and column, so that a value copied to another row or column does not open.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..settings import decode_key

_VERSION = "v1"
_NONCE_BYTES = 12


class CannotOpen(Exception):
    """A sealed value does not open: its key is not in the keyring, or it was moved or changed."""


def new_key() -> str:
    """A fresh key, as it goes into `GCAL_ENCRYPTION_KEYS`."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def place(table: str, row: object, column: str) -> str:
    """The name of a stored value's place, used as associated data."""
    return f"{table}:{row}:{column}"


class Keyring:
    """Keys newest first: the first seals, all open."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("a keyring needs at least one key")
        self._keys: dict[str, AESGCM] = {}
        for key in keys:
            raw = decode_key(key)
            self._keys[hashlib.sha256(raw).hexdigest()[:8]] = AESGCM(raw)
        self.current_id = next(iter(self._keys))

    def __repr__(self) -> str:
        return f"<Keyring {', '.join(self._keys)}>"

    def seal(self, value: str, at: str) -> str:
        """Encrypt text for one place (see `place`)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._keys[self.current_id].encrypt(nonce, value.encode(), at.encode())
        return f"{_VERSION}.{self.current_id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, at: str) -> str:
        """Decrypt text of one place; raises `CannotOpen`, which never holds the value."""
        version, _, rest = sealed.partition(".")
        key_id, _, body = rest.partition(".")
        key = self._keys.get(key_id)
        if version != _VERSION or key is None:
            raise CannotOpen(f"key {key_id or '?'} is not in the keyring ({at})")
        raw = base64.urlsafe_b64decode(body)
        try:
            return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], at.encode()).decode()
        except InvalidTag:
            raise CannotOpen(f"the value was changed, or belongs elsewhere ({at})") from None

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the one that seals first."""
        return tuple(self._keys)

    @property
    def mark(self) -> str:
        """How everything begins that the newest key sealed."""
        return f"{_VERSION}.{self.current_id}."

    def knows(self, key_id: str) -> bool:
        """Whether a key is in the ring, by its id."""
        return key_id in self._keys

    def needs_rewrap(self, sealed: str) -> bool:
        """Whether a value was sealed with an older key."""
        return not sealed.startswith(self.mark)
