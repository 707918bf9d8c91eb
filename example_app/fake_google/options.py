"""The settings of one run of the local Google."""

from __future__ import annotations

from dataclasses import dataclass

CHANGEABLE = (
    "access_seconds",
    "sync_token_seconds",
    "channel_seconds",
    "push_retry_seconds",
    "push_tries",
    "check_schema",
)


@dataclass(slots=True)
class Options:
    """Settings of one run; those named in CHANGEABLE can be changed while it runs.

    Times are in seconds; `sync_token_seconds` 0 means that sync tokens do not grow old.
    """

    public_url: str = ""
    check_schema: bool = False
    control_token: str = ""
    access_seconds: float = 3_599
    sync_token_seconds: float = 0
    channel_seconds: float = 604_800
    push_retry_seconds: float = 0.5
    push_tries: int = 6
