"""The two signing keys: one for identity tokens, one for security events."""

from __future__ import annotations

from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from .model import Json
from .state import State

IDENTITY = "key:identity"
SECURITY = "key:security"


class Keys:
    """RSA keys that survive a restart, kept among the state's values."""

    def __init__(self, state: State) -> None:
        self._keys: dict[str, RSAKey] = {}
        for name in (IDENTITY, SECURITY):
            stored = state.values.get(name)
            if stored is None:
                key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
                stored = {**key.as_dict(private=True)}
                state.set_value(name, stored)
            self._keys[name] = RSAKey.import_key(stored)

    def sign(self, name: str, claims: Json, **header: Any) -> str:
        """A compact RS256 token over `claims`, with the key's id in its header."""
        key = self._keys[name]
        return jwt.encode({"alg": "RS256", "kid": key.kid, "typ": "JWT", **header}, claims, key)

    def public(self, name: str) -> Json:
        """The key set as clients fetch it."""
        return {"keys": [self._keys[name].as_dict(private=False)]}
