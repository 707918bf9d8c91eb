"""What every handler of the local Google shares, bound together once."""

from __future__ import annotations

from dataclasses import dataclass, field

from .faults import Switchboard
from .journal import Journal, Quota
from .keys import Keys
from .push import Pusher
from .risc import Transmitter
from .state import State
from .tokens import Cursors

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


@dataclass(slots=True)
class Server:
    """The parts of a running local Google."""

    options: Options
    state: State
    faults: Switchboard
    journal: Journal
    quota: Quota
    keys: Keys
    pusher: Pusher
    transmitter: Transmitter
    cursors: Cursors = field(default_factory=Cursors)
    ready: bool = False

    @property
    def url(self) -> str:
        """The address that clients and browsers use, without a slash at the end."""
        return self.options.public_url.rstrip("/")
