"""Under concurrent pushes no call ever rings a mixture of two sets, and no kill loses one."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gcal_plugin.domain.destination import national
from gcal_plugin.ports import Line
from gcal_plugin.telephony.kamailio import KamailioTelephony
from tests.servers import Child
from tests.servers.kamailio import Kamailio
from tests.sip.phones import Phones
from tests.sip.pusher import numbered

pytestmark = pytest.mark.sip

ROOT = Path(__file__).parents[2]
LINES = 3
SIZE = 4


@contextmanager
def pushing(kamailio: Kamailio, folder: Path, count: int) -> Iterator[list[Child]]:
    """So many processes that push to the same lines."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                Child(
                    [
                        sys.executable,
                        "-m",
                        "tests.sip.pusher",
                        f"http://127.0.0.1:{kamailio.port}",
                        kamailio.token,
                        str(seed),
                        str(LINES),
                        str(SIZE),
                    ],
                    log=folder / f"pusher-{seed}.log",
                    name=f"pusher {seed}",
                    cwd=ROOT,
                )
            )
            for seed in range(count)
        ]


def is_one_set(rang: set[str]) -> bool:
    """Whether these are all the numbers of one pushed set."""
    return len(rang) == SIZE and len({number[:-1] for number in rang}) == 1


def acknowledged(pushers: list[Child]) -> dict[str, int]:
    """The newest revision of each extension that the exchange said yes to."""
    newest: dict[str, int] = {}
    for pusher in pushers:
        for line in pusher.output().splitlines():
            extension, _, revision = line.partition(" ")
            newest[extension] = max(newest.get(extension, 0), int(revision))
    return newest


def torn_calls(kamailio: Kamailio, phones: Phones, folder: Path, calls: int) -> None:
    with pushing(kamailio, folder, 2) as pushers:
        for pusher in pushers:
            pusher.wait_for(r"(^20\d \d+\n){60}")
        before = acknowledged(pushers)
        whom = [(str(200 + place % LINES), "acme.example", None) for place in range(calls)]
        placed = phones.call_many(kamailio.sip, whom, together=12)
        after = acknowledged(pushers)
    torn = [call for call in placed if not is_one_set(call.rang) or call.own]
    assert torn == []
    assert len(placed) == calls
    # The sets did change while the calls were placed, else this proves nothing.
    assert all(after[extension] > before.get(extension, 0) + 10 for extension in after)
    assert len(after) == LINES


def test_calls_under_pushes_ring_whole_sets(kamailio: Kamailio, phones: Phones, tmp_path: Path):
    torn_calls(kamailio, phones, tmp_path, 5_000)


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_fifty_thousand_calls_under_pushes_ring_whole_sets(
    kamailio: Kamailio, phones: Phones, tmp_path: Path
):
    torn_calls(kamailio, phones, tmp_path, 50_000)


@pytest.mark.faults
def test_a_kill_loses_no_set_that_was_acknowledged(
    kamailio: Kamailio, phones: Phones, tmp_path: Path
):
    with pushing(kamailio, tmp_path, 2) as pushers:
        for pusher in pushers:
            pusher.wait_for(r"(^20\d \d+\n){60}")
        time.sleep(0.3)
        kamailio.kill()
        promised = acknowledged(pushers)
    kamailio.restart()
    pbx = KamailioTelephony("kamailio", f"http://127.0.0.1:{kamailio.port}", kamailio.token)
    try:
        for extension, revision in promised.items():
            held = pbx.read(Line("acme.example", extension))
            assert held.revision >= revision
            assert held.destinations == numbered(held.revision, SIZE)
            call = phones.call(kamailio.sip, extension)
            assert call.rang == {national(one) for one in held.destinations}
    finally:
        pbx.close()
