"""A real redis-server, and a Sentinel beside it where a test asks for one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from .ports import free_port
from .process import Child, find_program


class RedisServer:
    """One redis-server in its own folder; the port stays the same over restarts.

    `options` are configuration directives (`{"maxmemory": "4mb"}`). With `durable` the
    append-only file is on and written through, so that a kill loses nothing.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        durable: bool = False,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        folder.mkdir(parents=True, exist_ok=True)
        directives = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(folder),
            "save": "",
            "appendonly": "yes" if durable else "no",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
            **(options or {}),
        }
        command = [find_program("redis-server")]
        for key, value in directives.items():
            command += [f"--{key}", value]
        self.child = Child(command, log=folder / "redis.log", name="redis-server")

    def start(self) -> Self:
        self.child.start()
        self.child.wait_for("Ready to accept connections")
        return self

    def stop(self) -> None:
        self.child.stop()

    def kill(self) -> None:
        """SIGKILL; without `durable` all data is gone."""
        self.child.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        self.child.pause()

    def resume(self) -> None:
        self.child.resume()

    def url(self, database: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"

    def client(self, database: int = 0) -> redis.Redis:
        """A client with short time-outs; the caller closes it."""
        return redis.Redis.from_url(self.url(database), socket_timeout=5, socket_connect_timeout=2)

    def flush(self) -> None:
        """Forget everything in all databases."""
        with self.client() as client:
            client.flushall()

    def __enter__(self) -> Self:
        return self if self.child.running else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class Sentinel:
    """A redis-sentinel that watches one master and fails over within about a second."""

    def __init__(self, folder: Path, master: RedisServer, *, name: str = "gcal") -> None:
        self.name = name
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "sentinel.conf"
        configuration.write_text(
            f"bind 127.0.0.1\nport {self.port}\ndir {folder}\n"
            f"sentinel monitor {name} 127.0.0.1 {master.port} 1\n"
            f"sentinel down-after-milliseconds {name} 800\n"
            f"sentinel failover-timeout {name} 3000\n"
            f"sentinel parallel-syncs {name} 1\n"
        )
        self.child = Child(
            [find_program("redis-sentinel"), configuration],
            log=folder / "sentinel.log",
            name="redis-sentinel",
        )

    def start(self) -> Self:
        self.child.start()
        self.child.wait_for(r"\+monitor master")
        return self

    def stop(self) -> None:
        self.child.stop()

    def url(self, database: int = 0) -> str:
        return f"redis+sentinel://127.0.0.1:{self.port}/{self.name}/{database}"

    def __enter__(self) -> Self:
        return self if self.child.running else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
