"""Real servers for tests: each starts on a free port of 127.0.0.1 and ends with the test run."""

from __future__ import annotations

from .ports import free_port, wait_for_port
from .postgres import PostgresServer
from .process import Child, ChildFailed, ServerMissing
from .redis import RedisServer

__all__ = [
    "Child",
    "ChildFailed",
    "PostgresServer",
    "RedisServer",
    "ServerMissing",
    "free_port",
    "wait_for_port",
]
