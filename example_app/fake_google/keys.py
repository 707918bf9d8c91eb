"""The signing keys: identity tokens, security events, and the RISC service account."""

from __future__ import annotations

from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from .model import Json
from .state import State

IDENTITY = "key:identity"
SECURITY = "key:security"
SERVICE = "key:service"


class Keys:
    """RSA keys that survive a restart, kept among the state's values, made when first needed."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._keys: dict[str, RSAKey] = {}

    def key(self, name: str) -> RSAKey:
        """The key of that name."""
        if name not in self._keys:
            stored = self._state.values.get(name)
            if stored is None:
                key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
                stored = dict(key.as_dict(private=True))
                self._state.set_value(name, stored)
            self._keys[name] = RSAKey.import_key(stored)
        return self._keys[name]

    def sign(self, name: str, claims: Json, **header: Any) -> str:
        """A compact RS256 token over `claims`, with the key's id in its header."""
        key = self.key(name)
        return jwt.encode({"alg": "RS256", "kid": key.kid, "typ": "JWT", **header}, claims, key)

    def verify(self, name: str, token: str) -> Json | None:
        """The claims of a token that this key signed; None for any other."""
        try:
            claims: Json = jwt.decode(token, self.key(name), algorithms=["RS256"]).claims
        except (JoseError, ValueError):
            return None
        return claims

    def public(self, name: str) -> Json:
        """The key set as clients fetch it."""
        return {"keys": [self.key(name).as_dict(private=False)]}
