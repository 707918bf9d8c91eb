"""Any calendar source with the governor before it, so that no request passes uncounted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from ..ports import (
    AccessToken,
    CalendarError,
    CalendarInfo,
    CalendarSource,
    ChannelInfo,
    EventsPage,
)
from .alone import is_of_a_user
from .governor import Governor

_GOOD_FOR_SECONDS = 30.0
"""A turn that nobody used by then is lost."""


class _Taken(NamedTuple):
    """Turns that were taken ahead for one user, and until when they count."""

    turns: int
    until: float


class GovernedCalendars:
    """A `CalendarSource` that asks for its turn before, and reports afterwards."""

    def __init__(
        self,
        source: CalendarSource,
        governor: Governor,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source = source
        self._governor = governor
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: dict[tuple[str, str], _Taken] = {}

    def calendars(self, access: AccessToken) -> list[CalendarInfo]:
        """The account's whole calendar list."""
        with self._turn(access):
            return self.source.calendars(access)

    def events(
        self,
        access: AccessToken,
        calendar_id: str,
        *,
        sync_token: str | None = None,
        window: tuple[datetime, datetime] | None = None,
        page_token: str | None = None,
    ) -> EventsPage:
        """One page of a delta or of a window; each page takes a turn."""
        with self._turn(access):
            return self.source.events(
                access,
                calendar_id,
                sync_token=sync_token,
                window=window,
                page_token=page_token,
            )

    def watch(
        self, access: AccessToken, calendar_id: str, *, channel_id: str, token: str, address: str
    ) -> ChannelInfo:
        """Open a push channel."""
        with self._turn(access):
            return self.source.watch(
                access, calendar_id, channel_id=channel_id, token=token, address=address
            )

    def stop(self, access: AccessToken, channel_id: str, resource_id: str) -> None:
        """Close a push channel."""
        with self._turn(access):
            self.source.stop(access, channel_id, resource_id)

    def close(self) -> None:
        """Close the source's connections."""
        close = getattr(self.source, "close", None)
        if close is not None:
            close()

    def expect(self, accesses: Sequence[AccessToken]) -> None:
        """Take the turns of many requests in one go; each then finds its own taken already."""
        turns = self._governor.admit_at_once(accesses)
        until = self._clock() + _GOOD_FOR_SECONDS
        with self._lock:
            self._taken = {
                key: turn for key, turn in self._taken.items() if turn.until > self._clock()
            }
            for access, admitted in zip(accesses, turns, strict=True):
                if admitted:
                    key = (access.client_id, access.subject)
                    count = self._taken[key].turns if key in self._taken else 0
                    self._taken[key] = _Taken(count + 1, until)

    def _has_turn(self, access: AccessToken) -> bool:
        key = (access.client_id, access.subject)
        with self._lock:
            taken = self._taken.get(key)
            if taken is None or taken.until < self._clock():
                return False
            if taken.turns > 1:
                self._taken[key] = _Taken(taken.turns - 1, taken.until)
            else:
                del self._taken[key]
            return True

    def _drop_turns(self, access: AccessToken, error: CalendarError) -> None:
        """Google asks for less: turns that were taken ahead no longer count."""
        user = (access.client_id, access.subject)
        with self._lock:
            if is_of_a_user(error):
                self._taken.pop(user, None)
            else:
                self._taken = {
                    key: turn for key, turn in self._taken.items() if key[0] != access.client_id
                }

    @contextmanager
    def _turn(self, access: AccessToken) -> Iterator[None]:
        if self._governor.paused(access) > 0 or not self._has_turn(access):
            self._governor.admit(access)
        try:
            yield
        except CalendarError as error:
            self._governor.heard(access, error)
            if error.quota:
                self._drop_turns(access, error)
            raise
        self._governor.heard(access, None)
