"""The pool of `flask gcal worker`: real processes that die, are waited for, and come again."""

from __future__ import annotations

import itertools
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.servers.process import Child

ROOT = Path(__file__).parents[2]

SCRIPT = """
import os, signal, sys, time
from pathlib import Path

folder, lives = Path(sys.argv[1]), sys.argv[2]
if "--queue" in sys.argv:
    # A worker: the n-th letter of its queue's word says whether this start ends at once.
    queue = sys.argv[sys.argv.index("--queue") + 1]
    notes = folder / queue
    with notes.open("a") as out:
        out.write(f"{os.getpid()} {time.monotonic()}\\n")
    start = len(notes.read_text().splitlines())
    word = dict(one.split("=") for one in lives.split(","))[queue]
    if word[min(start, len(word)) - 1] == "x":
        sys.exit(3)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    time.sleep(600)

from threading import Event
from gcal_plugin.jobs import pool
from gcal_plugin.jobs.queues import QueueName

for name, value in (one.split("=") for one in sys.argv[3:]):
    assert hasattr(pool, name)
    setattr(pool, name, float(value))
stop = Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
counts = {QueueName(one.split("=")[0]): 1 for one in lives.split(",")}
pool.run_pool(counts, stop)
print("pool_ended", flush=True)
"""


def started(folder: Path, **lives: str) -> Callable[..., Child]:
    words = ",".join(f"gcal-{queue}={word}" for queue, word in lives.items())

    def start(*settings: str) -> Child:
        command = [sys.executable, "-c", SCRIPT, str(folder), words, *settings]
        return Child(command, log=folder / "pool.log", cwd=ROOT)

    return start


def starts(folder: Path, queue: str) -> list[tuple[int, float]]:
    """Each start of a queue's worker: process id and instant (monotonic seconds)."""
    notes = folder / f"gcal-{queue}"
    lines = notes.read_text().splitlines() if notes.exists() else []
    return [(int(pid), float(at)) for pid, at in (line.split() for line in lines)]


def until(count: int, folder: Path, queue: str, *, within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while len(starts(folder, queue)) < count:
        assert time.monotonic() < deadline, starts(folder, queue)
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def waits(pool: Child) -> list[float]:
    """What the log says of each death: how long the place stays empty."""
    return [float(one) for one in re.findall(r"worker_ended .*?again_in=([\d.]+)", pool.output())]


def test_a_worker_that_dies_at_once_is_waited_for_twice_as_long_each_time(tmp_path: Path) -> None:
    with started(tmp_path, switch="x", mail="o")() as pool:
        until(4, tmp_path, "switch")
        began = [at for _, at in starts(tmp_path, "switch")]
        gaps = [after - before for before, after in itertools.pairwise(began)]
        for gap, least in zip(gaps, (0.5, 1.0, 2.0), strict=True):
            assert gap >= least, gaps
        pool.wait_for(r"worker_ended .*again_in=4\.0")
        assert waits(pool) == [0.5, 1.0, 2.0, 4.0]
        assert "code=3" in pool.output()
        assert "queue=gcal-switch" in pool.output()
        # The neighbour never noticed.
        ((healthy, _),) = starts(tmp_path, "mail")
        assert alive(healthy)


def test_a_stop_does_not_sit_the_waiting_out(tmp_path: Path) -> None:
    with started(tmp_path, switch="x", mail="o")("FIRST_WAIT=60", "LONGEST_WAIT=60") as pool:
        until(1, tmp_path, "mail")
        pool.wait_for(r"worker_ended .*again_in=60")
        ((healthy, _),) = starts(tmp_path, "mail")
        pool.signal_leader(signal.SIGTERM)
        assert pool.wait(20) == 0
        assert "pool_ended" in pool.output()
        assert not alive(healthy)
        assert len(starts(tmp_path, "switch")) == 1


def test_a_worker_that_had_lived_is_replaced_at_once_and_the_waiting_begins_anew(
    tmp_path: Path,
) -> None:
    with started(tmp_path, switch="xxxoxo")("LONGEST_WAIT=1", "SETTLED=4") as pool:
        until(4, tmp_path, "switch")
        grown, at = starts(tmp_path, "switch")[3]
        time.sleep(max(0.0, at + 4.6 - time.monotonic()))
        assert len(starts(tmp_path, "switch")) == 4
        os.kill(grown, signal.SIGKILL)
        until(6, tmp_path, "switch")
        # Never longer than the longest; none after a life; then the first wait again.
        assert waits(pool) == [0.5, 1.0, 1.0, 0.0, 0.5]
        assert "code=-9" in pool.output()
