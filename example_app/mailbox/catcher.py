"""The SMTP side: takes every letter, except for addresses that ask to be refused."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any, Self

from aiosmtpd.smtp import SMTP

from .kept import Kept

BOUNCES = "bounce"
"""An address that begins so is refused for good (550), as a mailbox that does not exist."""
BUSY = "busy"
"""An address that begins so is refused for now (451)."""


class Catcher:
    """aiosmtpd's handler."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: Any, session: Any, envelope: Any, address: str, rcpt_options: Any
    ) -> str:
        """Refuse or take one recipient."""
        del server, session, rcpt_options
        if address.startswith(BOUNCES):
            return "550 5.1.1 No such mailbox"
        if address.startswith(BUSY):
            return "451 4.3.0 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        """Keep the letter."""
        del server, session
        number = self._kept.add(tuple(envelope.rcpt_tos), envelope.original_content)
        return f"250 Kept as {number}"


class SmtpServer:
    """Listens on 127.0.0.1 in a thread of its own; `port` 0 takes a free one."""

    def __init__(self, kept: Kept, port: int = 0) -> None:
        self._catcher = Catcher(kept)
        self._socket = socket.create_server(("127.0.0.1", port))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port: int = self._socket.getsockname()[1]

    def start(self) -> Self:
        """Take letters from now on; the port was open already, so nobody is turned away."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Take no more letters."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        self._socket.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        serve = self._loop.create_server(lambda: SMTP(self._catcher), sock=self._socket)
        server = self._loop.run_until_complete(serve)
        self._loop.run_forever()
        server.close()
