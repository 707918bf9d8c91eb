"""Any calendar source with the governor before it, so that no request passes uncounted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from ..ports import (
    AccessToken,
    CalendarError,
    CalendarInfo,
    CalendarSource,
    ChannelInfo,
    EventsPage,
)
from .governor import Governor


class GovernedCalendars:
    """A `CalendarSource` that asks for its turn before, and reports afterwards."""

    def __init__(self, source: CalendarSource, governor: Governor) -> None:
        self.source = source
        self._governor = governor

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

    @contextmanager
    def _turn(self, access: AccessToken) -> Iterator[None]:
        self._governor.admit(access)
        try:
            yield
        except CalendarError as error:
            self._governor.heard(access, error)
            raise
        self._governor.heard(access, None)
