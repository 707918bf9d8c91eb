"""Calls a second through a real Kamailio, with the look-up in a plan and without any."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gcal_plugin.ports import Line, PlanWindow
from gcal_plugin.telephony.kamailio import KamailioTelephony
from tests.contracts.telephony import numbers
from tests.servers import Child, free_port
from tests.servers.kamailio import FORWARD, Kamailio
from tests.servers.process import find_program

SCENARIOS = Path(__file__).with_name("sipp")
ROUNDS = 7
FEWEST = 3
AT_MOST_S = 90.0
TOGETHER = 30
WINDOWS = 50


def calls_per_second(
    folder: Path, calls: int, say: Callable[[str], None] = lambda _: None
) -> tuple[float, float]:
    """Without and with the look-up: medians of rounds that take turns, each first every other."""
    answering = free_port()
    with ExitStack() as stack:
        uas = [find_program("sipp"), "-sf", str(SCENARIOS / "phone.xml"), "-i", "127.0.0.1"]
        uas += ["-p", str(answering), "-nostdin"]
        stack.enter_context(Child(uas, log=folder / "phone.log", cwd=folder))
        servers = []
        for name, hook in (("plain", ""), ("plan", FORWARD)):
            (folder / name).mkdir()
            server = Kamailio(
                folder / name, gateway=answering, phones=answering, test=False, hook=hook
            ).start()
            stack.callback(server.stop)
            servers.append(server)
        _plan(servers[1])
        found: list[list[float]] = [[], []]
        for server in servers:
            _sipp(folder, server.sip, 200)
        ends = time.monotonic() + AT_MOST_S
        for round_number in range(ROUNDS):
            if round_number >= FEWEST and time.monotonic() > ends:
                break
            for place in (0, 1) if round_number % 2 else (1, 0):
                found[place].append(calls / _sipp(folder, servers[place].sip, calls))
            say(f"calls, round {round_number + 1}: {found[0][-1]:.0f}/s, {found[1][-1]:.0f}/s")
    return statistics.median(found[0]), statistics.median(found[1])


def _plan(server: Kamailio) -> None:
    """Fifty windows of a day, of which one is now; sipp calls 200 at the address itself."""
    pbx = KamailioTelephony("kamailio", f"http://127.0.0.1:{server.port}", server.token)
    now = datetime.now(UTC)
    windows = [
        PlanWindow(
            now + timedelta(minutes=20 * (place - WINDOWS // 2) - 5),
            now + timedelta(minutes=20 * (place - WINDOWS // 2) + 10),
            *numbers(1, start=10_000_000 + place),
        )
        for place in range(WINDOWS)
    ]
    line = Line("127.0.0.1", "200")
    pbx.replace_plan(line, windows, valid_until=now + timedelta(days=1), revision=1)
    assert pbx.read(line).destinations
    pbx.close()


def _sipp(folder: Path, port: int, calls: int) -> float:
    """Seconds that so many calls took, from INVITE to the ACK of the refusal."""
    command = [
        find_program("sipp"), f"127.0.0.1:{port}", "-sf", str(SCENARIOS / "caller.xml"),
        "-s", "200",
        "-i", "127.0.0.1", "-p", str(free_port()), "-m", str(calls), "-l", str(TOGETHER),
        "-r", "10000", "-nostdin",
    ]  # fmt: skip
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    took = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(f"sipp ended with {done.returncode}: {done.stdout[-2000:]!r}")
    return took
