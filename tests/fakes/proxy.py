"""A TCP proxy that can go silent, swallow an answer or refuse, between an adapter and a server."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import threading
from typing import Literal, Self

Mode = Literal["pass", "silent", "cut", "refuse"]


class Proxy:
    """Listens on a port of its own and passes bytes on, as long as it is told to.

    `silent` reads and answers nothing; `cut` passes the request on and hangs up when the answer
    comes; `refuse` hangs up at once. A change of mode holds for open connections too.
    """

    def __init__(self, target: int) -> None:
        self.mode: Mode = "pass"
        self.asked = bytearray()
        """What clients sent, whether or not it got through."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]

    def count(self, method: str) -> int:
        """How many HTTP requests of a method were sent through here."""
        return len(re.findall(rb"(?:^|[\r\n}])" + method.encode() + rb" /", bytes(self.asked)))

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        # Closing a listener does not wake an accept() that waits on it; a connection does.
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _run(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            client, _ = self._listener.accept()
            self._run(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client:
            if self._stopped.is_set() or self.mode == "refuse":
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                return
            with server, contextlib.suppress(OSError):
                self._pass(client, server)

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        while not self._stopped.is_set():
            ready, _, _ = select.select([client, server], [], [], 0.05)
            if self.mode == "refuse":
                return
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                if source is client:
                    self.asked += data
                if self.mode == "silent":
                    continue
                if source is server and self.mode == "cut":
                    return
                (server if source is client else client).sendall(data)
