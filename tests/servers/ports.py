"""Free ports, picked so that test processes side by side do not take each other's."""

from __future__ import annotations

import os
import random
import socket
import time

# Below the kernel's ephemeral range, so that an outgoing connection cannot take a port between
# our look and the server's bind.
_LOWEST, _HIGHEST = 12_000, 32_000
_WORKERS = 8

_given: set[int] = set()
_random = random.Random(f"{os.getpid()}-{time.monotonic_ns()}")


def _slice() -> range:
    """The ports of this test process: workers of one run each have their own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    share = (_HIGHEST - _LOWEST) // _WORKERS
    first = _LOWEST + int(worker) % _WORKERS * share
    return range(first, first + share)


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of 127.0.0.1 that is free for TCP and UDP and was not given out before."""
    candidates = _slice()
    for _ in range(200):
        port = _random.choice(candidates)
        if port in _given:
            continue
        if _is_free(port, socket.SOCK_STREAM) and _is_free(port, socket.SOCK_DGRAM):
            _given.add(port)
            return port
    raise RuntimeError(f"no free port between {candidates.start} and {candidates.stop}")


def wait_for_port(port: int, *, timeout: float = 15.0) -> None:
    """Wait until something accepts TCP connections on a port; raises TimeoutError after that."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing listens on port {port} after {timeout} s") from None
            time.sleep(0.02)
        else:
            return
