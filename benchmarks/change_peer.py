"""The peer of `change`: gcal-sync, which has no notifications, polling the same calendars."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

import aiohttp
from gcal_sync.api import GoogleCalendarService
from gcal_sync.sync import CalendarEventSyncManager

from .sync_peer import Auth

POLL_SECONDS = 60.0


class Poller:
    """Polls every calendar once a minute, evenly spread; notes when it sees each title."""

    def __init__(self, google_url: str, people: Sequence[dict[str, Any]]) -> None:
        self._url = google_url
        self._people = people
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.seen: dict[tuple[str, str], float] = {}
        """Calendar and title -> when it was there, on the machine's clock."""
        self.ready = threading.Event()

    def start(self) -> None:
        """Read everything once, and go on polling."""
        self._thread.start()
        self.ready.wait(120)

    def stop(self) -> None:
        """End the polling."""
        self._stop.set()
        self._thread.join(30)

    async def _run(self) -> None:
        async with aiohttp.ClientSession() as session:
            managers = []
            for person in self._people:
                service = GoogleCalendarService(Auth(session, self._url, person["access_token"]))
                manager = CalendarEventSyncManager(service, person["calendar"])
                await manager.run()
                managers.append((person["calendar"], manager))
            self.ready.set()
            pause = POLL_SECONDS / len(managers)
            due = time.monotonic()
            while not self._stop.is_set():
                for calendar, manager in managers:
                    await manager.run()
                    await self._note(calendar, manager)
                    due += pause
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                    if self._stop.is_set():
                        return

    async def _note(self, calendar: str, manager: CalendarEventSyncManager) -> None:
        now = time.time()
        data = await manager._store.async_load() or {}  # noqa: SLF001 (it offers no other view)
        for item in (data.get("items") or {}).values():
            self.seen.setdefault((calendar, str(item.get("summary"))), now)
