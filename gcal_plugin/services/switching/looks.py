"""What this process knows of its own looks over an exchange: one at a time, and how the last went.

Kept per process, so that a new one starts with a clean slate: whoever changes credentials or puts
a backup back restarts the processes, and their first look makes the most of that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from ..runtime import Runtime

LONG = 20.0
"""Seconds that no exchange needs to say that it is away: it answers slowly, or without end."""
REST = 120.0
"""Seconds that such an exchange is not looked at again, unless somebody asks for it."""


@dataclass(slots=True)
class Looks:
    """One exchange, as seen by this process."""

    answered: bool = False
    """Whether the last look got an answer: the next that does after one that did not (or the first
    of all) is when an exchange has turned."""
    seen: int = 0
    """Lines that were compared so far."""
    whole: bool = False
    """Whether every line was compared once: from then on, what differs came about since."""
    rests_until: float = 0.0
    """By the monotonic clock: not looked at before, since its last answer took so long in vain."""
    _busy: Lock = field(default_factory=Lock)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Answers whether nobody else in this process looks over the exchange now."""
        if not self._busy.acquire(blocking=False):
            yield False
            return
        try:
            yield True
        finally:
            self._busy.release()

    def failed(self, seconds: float) -> None:
        """Note a look that came to nothing after so long. One without end must not always have a
        thread: it would be the others' as well."""
        self.answered = False
        if seconds > LONG:
            self.rests_until = time.monotonic() + REST

    def came_back(self, compared: int, of: int) -> None:
        """Note a look that got an answer: so many lines compared, of so many."""
        self.answered = True
        self.seen += compared
        self.whole = self.whole or self.seen >= of


def looks_of(rt: Runtime, pbx: str) -> Looks:
    """This process's looks over an exchange."""
    return rt.kept(f"switching.looks.{pbx}", Looks)
