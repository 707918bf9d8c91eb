"""Wrong configuration of an exchange, told by key and all at once."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

SECRET_PREFIX = "whsec_"  # noqa: S105 - the public marker of a secret, not one
SECRET_BYTES = 24


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One wrong key of one exchange, and how to mend it."""

    key: str
    message: str


class ConfigFaults(ValueError):
    """Everything that is wrong with one or more exchanges; `faults` lists each key once."""

    def __init__(self, faults: Sequence[ConfigFault]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(f"{fault.key}: {fault.message}" for fault in self.faults))


class BackendConfig(BaseModel):
    """Base of every backend's keys: unknown ones are faults, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def faults_of(error: ValidationError, prefix: str) -> list[ConfigFault]:
    """Pydantic's findings in our words, each below the exchange's own key."""
    found: dict[str, ConfigFault] = {}
    for item in error.errors(include_input=False, include_url=False):
        key = ".".join([prefix, *(str(part) for part in item["loc"])])
        found.setdefault(key, ConfigFault(key, _words(item["type"], item["msg"])))
    return list(found.values())


def _words(kind: str, message: str) -> str:
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not a key of this backend; check the spelling"
    return message.removeprefix("Value error, ")


def webhook_secret(value: Any) -> str:
    """Validator: `whsec_` and the base64 of at least 24 bytes; never repeats the secret."""
    if not isinstance(value, str) or not value.startswith(SECRET_PREFIX):
        raise ValueError(f"must start with {SECRET_PREFIX}")
    try:
        raw = base64.b64decode(value[len(SECRET_PREFIX) :], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"must be {SECRET_PREFIX} and base64") from None
    if len(raw) < SECRET_BYTES:
        raise ValueError(f"has {len(raw)} bytes, a secret has at least {SECRET_BYTES}")
    return value
