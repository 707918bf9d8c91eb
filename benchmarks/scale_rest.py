"""Web worker, job workers and clock of a large installation: what they hold and use at rest."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.servers.ports import free_port, wait_for_port
from tests.servers.process import Child

PREFIX = "/google-calendar"
SETTLE = 45.0
"""What a start brings along is not rest: every duty of the clock has been asked for once."""
EVERY = 5.0
HOUR = 3600.0
Samples = dict[str, list[tuple[float, float]]]
"""By process: (seconds since the start, MiB)."""


def watch(
    folder: Path, config: dict[str, Any], seconds: float, say: Callable[[str], None]
) -> tuple[dict[str, Any], Samples]:
    """Start them as in production, let them settle, and watch them while nothing falls due.

    Answers the figures and every sample of memory.
    """
    children = _children(folder, config)
    born = time.monotonic()
    held: Samples = {name: [] for name in children}
    try:
        for child in children.values():
            child.start()
        _visit(int(children["web"].command[-1].rpartition(":")[2]))
        time.sleep(max(0.0, SETTLE - (time.monotonic() - born)))
        before = {name: cpu(child.pid) for name, child in children.items()}
        began = time.monotonic()
        while (left := began + seconds - time.monotonic()) > 0:
            time.sleep(min(EVERY, left))
            for name, child in children.items():
                held[name].append((time.monotonic() - born, mib(child.pid)))
        wall = time.monotonic() - began
        used = {
            name: (cpu(child.pid) - before[name]) / wall * 100 for name, child in children.items()
        }
    finally:
        for child in children.values():
            child.stop()
    hour = {name: after_an_hour(samples) for name, samples in held.items()}
    for name in children:
        say(
            f"{name:7} {used[name]:.2f} % of a core, {held[name][-1][1]:.0f} MiB; "
            f"after an hour {hour[name]:.0f} MiB"
        )
    workers = [name for name in children if name not in {"web", "clock"}]
    figures = {
        "watched_s": round(wall),
        "web_mib": round(held["web"][-1][1], 1),
        "worker_mib": round(max(held[name][-1][1] for name in workers), 1),
        "clock_mib": round(held["clock"][-1][1], 1),
        "web_hour_mib": round(hour["web"], 1),
        "worker_hour_mib": round(max(hour[name] for name in workers), 1),
        "idle_cpu_percent": round(sum(used.values()), 2),
        **{f"idle_{name}_percent": round(value, 2) for name, value in used.items()},
    }
    return figures, held


def after_an_hour(samples: list[tuple[float, float]]) -> float:
    """The memory after an hour, in MiB: measured where it was watched so long, else extrapolated.

    Along the median of the slopes between all pairs (Theil and Sen), so that one step up or down
    is no trend; memory that shrinks is not promised to go on shrinking.
    """
    at, last = samples[-1]
    slopes = [(b - a) / (t - s) for (s, a), (t, b) in combinations(samples, 2) if t > s]
    growth = max(0.0, statistics.median(slopes)) if slopes else 0.0
    return last + growth * max(0.0, HOUR - at)


def _children(folder: Path, config: dict[str, Any]) -> dict[str, Child]:
    env = {
        "RUN_DIR": str(folder / "run"),
        "DATABASE_URL": config["SQLALCHEMY_DATABASE_URI"],
        **{
            key: json.dumps(value) if isinstance(value, list | dict) else str(value)
            for key, value in config.items()
            if key.startswith("GCAL_")
        },
    }
    flask = [sys.executable, "-m", "flask", "--app", "example_app", "gcal"]
    gunicorn = [sys.executable, "-m", "gunicorn", "--threads", "8", "--no-control-socket"]
    commands = {
        "web": [*gunicorn, "example_app:create_app()", "--bind", f"127.0.0.1:{free_port()}"],
        "clock": [*flask, "clock"],
        **{
            name: [*flask, "worker", "--queue", f"gcal-{name}"]
            for name in ("switch", "sync", "care", "mail")
        },
    }
    return {
        name: Child(command, log=folder / f"{name}.log", name=name, env=env)
        for name, command in commands.items()
    }


def _visit(port: int) -> None:
    """Some use, so that what pages load is loaded."""
    wait_for_port(port, timeout=120)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        for _ in range(200):
            client.get(f"{PREFIX}/healthz")
            client.get("/login")
        for _ in range(10):
            headers = {"Authorization": "Bearer scale"}
            client.get(f"{PREFIX}/metrics", headers=headers).raise_for_status()


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def cpu(pid: int) -> float:
    """Processor seconds of `pid` and its children so far."""
    return sum(one.cpu_times().user + one.cpu_times().system for one in _family(pid))


def mib(pid: int) -> float:
    """The largest single process below `pid`, by its resident memory."""
    found: float = max(one.memory_info().rss for one in _family(pid))
    return found / 2**20
