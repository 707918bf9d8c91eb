"""What every handler of the local Google shares, bound together once."""

from __future__ import annotations

from dataclasses import dataclass, field

from .faults import Switchboard
from .journal import Journal, Quota
from .keys import Keys
from .options import Options
from .push import Pusher
from .risc import Transmitter
from .state import State
from .tokens import Cursors


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
