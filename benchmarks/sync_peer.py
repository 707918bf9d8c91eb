"""The peers of `sync`: gcal-sync into memory, and Google's client alone without any storing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import aiohttp
from gcal_sync.api import GoogleCalendarService
from gcal_sync.auth import AbstractAuth
from gcal_sync.sync import CalendarEventSyncManager

from gcal_plugin.google.calendar import GoogleCalendars
from gcal_plugin.ports import AccessToken

from .sync_world import Ground

AT_ONCE = 8


class Auth(AbstractAuth):
    """A token that is given, at a local Google."""

    def __init__(self, session: aiohttp.ClientSession, root: str, token: str) -> None:
        super().__init__(session, f"{root}/calendar/v3")
        self._token = token

    async def async_get_access_token(self) -> str:
        return self._token


class GcalSync:
    """gcal-sync with its store in memory, on one event loop."""

    def __init__(self, place: Ground) -> None:
        self._loop = asyncio.new_event_loop()
        self._place = place
        self._session: aiohttp.ClientSession | None = None
        self._managers: list[CalendarEventSyncManager] = []

    def start(self) -> None:
        """Read everything once."""
        self._loop.run_until_complete(self._start())

    async def _start(self) -> None:
        self._session = aiohttp.ClientSession()
        root = self._place.google.url
        for person in self._place.people:
            service = GoogleCalendarService(Auth(self._session, root, person["access_token"]))
            self._managers.append(CalendarEventSyncManager(service, person["calendar"]))
        await self._run_all()

    def run(self) -> None:
        """One incremental sync of every calendar."""
        self._loop.run_until_complete(self._run_all())

    async def _run_all(self) -> None:
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(manager: CalendarEventSyncManager) -> None:
            async with turns:
                await manager.run()

        await asyncio.gather(*(one(manager) for manager in self._managers))

    def close(self) -> None:
        """End the loop."""
        if self._session is not None:
            self._loop.run_until_complete(self._session.close())
        self._loop.close()


class BareClient:
    """Google's client with the kept resource and our reading of events; nothing is stored."""

    def __init__(self, place: Ground) -> None:
        self._source = GoogleCalendars(place.google.url)
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._tokens: dict[str, str] = {}
        self._people: Sequence[tuple[AccessToken, str]] = [
            (place.access(person), person["calendar"]) for person in place.people
        ]

    def start(self) -> None:
        """Get a sync token of every calendar."""
        from datetime import UTC, datetime, timedelta

        now = datetime.now(UTC)
        window = (now - timedelta(days=1), now + timedelta(days=35))
        for access, calendar in self._people:
            page = self._source.events(access, calendar, window=window)
            self._tokens[calendar] = page.next_sync_token or ""

    def run(self) -> None:
        """One incremental sync of every calendar."""

        def one(person: tuple[AccessToken, str]) -> None:
            access, calendar = person
            page = self._source.events(access, calendar, sync_token=self._tokens[calendar])
            self._tokens[calendar] = page.next_sync_token or ""

        list(self._pool.map(one, self._people))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()
        self._source.close()
