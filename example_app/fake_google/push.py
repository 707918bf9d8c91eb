"""Push channels: real webhook deliveries with headers, retries, losses and duplicates."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import aiohttp

from .faults import Switchboard, Target
from .model import Calendar, Channel

if TYPE_CHECKING:
    from .options import Options
    from .state import State

_DONE = (102, 200, 201, 202, 204)
_AGAIN = (500, 502, 503, 504)
_TIMEOUT = aiohttp.ClientTimeout(total=10)


class Pusher:
    """Sends notifications from the server's own loop; each delivery is one task."""

    def __init__(self, state: State, faults: Switchboard, options: Options) -> None:
        self._state = state
        self._faults = faults
        self._options = options
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._watched: dict[str, set[str]] = {}
        self.delivered: list[dict[str, Any]] = []
        for channel in state.channels.values():
            self._index(channel)
        state.changed = self.calendar_changed

    async def open(self) -> None:
        """Start; called once the loop runs."""
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT)

    async def close(self) -> None:
        """Give up on what is not delivered yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The HTTP session for everything this server sends by itself."""
        if self._session is None:
            raise RuntimeError("the server is not running")
        return self._session

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the answers."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def forget(self) -> None:
        """Give up every delivery and forget who watches; for a server that begins again."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self._watched.clear()
        self.delivered.clear()

    async def settle(self, seconds: float) -> int:
        """Wait until nothing is under way any more; how much still is after `seconds`."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        return len(self._tasks)

    def opened(self, channel: Channel) -> None:
        """A channel was made: from now on it hears of changes."""
        self._state.save_channel(channel)
        self._index(channel)

    def closed(self, channel: Channel) -> None:
        """A channel was stopped or has expired."""
        self._watched.get(channel.calendar, set()).discard(channel.id)
        self._state.drop_channel(channel)

    def calendar_changed(self, calendar: Calendar) -> None:
        """Tell every live channel of a calendar that something changed."""
        now = self._state.now().timestamp()
        for channel_id in list(self._watched.get(calendar.id, ())):
            channel = self._state.channels.get(channel_id)
            if channel is None:
                self._watched[calendar.id].discard(channel_id)
            elif channel.expires <= now:
                self.closed(channel)
            else:
                self.spawn(self.notify(channel, "exists"))

    def _index(self, channel: Channel) -> None:
        self._watched.setdefault(channel.calendar, set()).add(channel.id)

    async def notify_first(self, channel: Channel) -> None:
        """Send `sync` and give it a moment's head start over the answer to `watch`.

        The receiver may well be waiting for that answer, so the start is short.
        """
        task = asyncio.get_running_loop().create_task(self.notify(channel, "sync"))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait({task}, timeout=0.2)

    async def notify(self, channel: Channel, resource_state: str) -> None:
        """Deliver one message; message numbers grow, but not by one."""
        channel.number += 1 if resource_state == "sync" else random.randint(1, 7)  # noqa: S311
        self._state.save_channel(channel)
        headers = self._headers(channel, resource_state)
        copies, wait = 1, 0.0
        target = Target("push.delivery", channel.email, channel.calendar, channel.client_id)
        for rule in self._faults.take(target, ("push_loss", "push_duplicate", "push_delay")):
            if rule.kind == "push_loss":
                copies = 0
            elif rule.kind == "push_duplicate":
                copies *= int(rule.options.get("copies", 2))
            else:
                wait += float(rule.options.get("seconds", 1))
        await asyncio.sleep(wait)
        for _ in range(copies):
            await self._deliver(channel, headers)

    async def _deliver(self, channel: Channel, headers: dict[str, str]) -> None:
        status = await self.post(channel.address, headers, b"")
        self.delivered.append(
            {
                "channel": channel.id,
                "state": headers["X-Goog-Resource-State"],
                "number": channel.number,
                "status": status,
            }
        )
        del self.delivered[:-1_000]

    async def post(self, address: str, headers: dict[str, str], body: bytes) -> int:
        """POST with Google's retries: again after 5xx or no answer, with growing pauses.

        Answers the last status, 0 when nobody ever answered.
        """
        status = 0
        for attempt in range(self._options.push_tries):
            try:
                async with self.session.post(
                    address, data=body, headers=headers, allow_redirects=False
                ) as answer:
                    status = answer.status
            except (aiohttp.ClientError, TimeoutError):
                status = 0
            if status and status not in _AGAIN:
                break
            await asyncio.sleep(self._options.push_retry_seconds * 2**attempt)
        return status

    def _headers(self, channel: Channel, resource_state: str) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json; utf-8",
            "User-Agent": "APIs-Google; (local Google)",
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Message-Number": str(channel.number),
            "X-Goog-Resource-ID": channel.resource_id,
            "X-Goog-Resource-State": resource_state,
            "X-Goog-Resource-URI": channel.resource_uri,
            "X-Goog-Channel-Expiration": formatdate(channel.expires, usegmt=True),
        }
        if channel.token:
            headers["X-Goog-Channel-Token"] = channel.token
        return headers
