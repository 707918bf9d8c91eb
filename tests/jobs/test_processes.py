"""Worker and clock as real processes: edges pass in real time, and never early."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.support.lines import JAN
from tests.support.stage import Stage


def at_of(write: dict[str, object]) -> datetime:
    return datetime.fromisoformat(str(write["at"]))


def test_an_event_passes_in_real_time(stage: Stage) -> None:
    link = stage.world.link()
    stage.worker()
    stage.clock()
    start, end = stage.forward(link, JAN, 2.5, 2)
    stage.soon(lambda: stage.pbx.rings("200"), {JAN})
    stage.soon(lambda: stage.pbx.rings("200"), set())
    on, off = stage.pbx.history("200")
    for write, edge in ((on, start), (off, end)):
        late = at_of(write) - edge
        assert timedelta(0) <= late < timedelta(seconds=0.5)


def test_without_a_worker_the_clock_does_it_itself(stage: Stage) -> None:
    link = stage.world.link()
    stage.clock()
    stage.forward(link, JAN, -1, 60)
    stage.soon(lambda: stage.pbx.rings("200"), {JAN})


def test_a_stopped_worker_still_sends_what_it_armed(stage: Stage) -> None:
    link = stage.world.link()
    worker = stage.worker()
    stage.clock()
    stage.forward(link, JAN, 4, 60)

    def armed() -> bool:
        row = stage.world.row(link)
        return row.due_cause == "edge" and row.lease_until is not None

    stage.soon(armed, True)
    worker.stop()
    assert worker.returncode == 0
    assert stage.pbx.rings("200") == {JAN}
