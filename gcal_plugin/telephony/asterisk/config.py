"""What the three backends that speak to a manager are told."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from ..faults import BackendConfig
from ..outgoing import OutgoingPolicy, OutgoingRefused, literal_address, split_url
from ..rendering import NumberFormat
from .ami import Manager


class ManagerConfig(BackendConfig):
    """Where the manager is, and who we are there (`write=system`, and nothing else)."""

    host: str = Field(description="Name or address of the exchange.")
    port: int = Field(default=5038, ge=1024, le=65535, description="The manager's port.")
    tls: bool = Field(default=False, description="Speak TLS (usually port 5039).")
    username: str = Field(min_length=1, description="The manager account.")
    secret: SecretStr = Field(min_length=8, description="Its secret.")
    timeout: float = Field(default=5.0, gt=0, le=60, description="Seconds for one answer.")
    number_format: NumberFormat = Field(
        default="national", description="How numbers are dialled there."
    )

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, host: str) -> str:
        try:
            split_url(f"https://{host}" if ":" not in host else f"https://[{host}]")
            address = literal_address(host)
            if address is not None:
                OutgoingPolicy(loopback=True, private=True).check_address(host, address)
        except OutgoingRefused as refused:
            raise ValueError(str(refused)) from None
        return host


class FamilyConfig(ManagerConfig):
    """Keys of an `asterisk` entry."""


class FreePbxConfig(ManagerConfig):
    """Keys of a `freepbx` or `freepbx-followme` entry."""

    domain: str = Field(description="The customer whose exchange this is: it has one domain.")


def manager_of(keys: ManagerConfig) -> Manager:
    """A client for this entry."""
    return Manager(
        keys.host,
        keys.port,
        keys.username,
        keys.secret.get_secret_value(),
        timeout=keys.timeout,
        tls=keys.tls,
    )
