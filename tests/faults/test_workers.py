"""Workers and clocks that die, hang or are doubled while edges pass."""

from __future__ import annotations

import signal
import time
from datetime import datetime, timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from rq import Callback, Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from gcal_plugin.jobs.connection import connect
from tests.fakes.proxy import Proxy
from tests.support.lines import JAN, PIET
from tests.support.stage import Stage

pytestmark = pytest.mark.faults


def edge_armed(stage: Stage, link) -> bool:
    row = stage.world.row(link)
    return row.due_cause == "edge" and row.lease_until is not None


def lateness(write: dict, edge: datetime) -> float:
    return (datetime.fromisoformat(write["at"]) - edge).total_seconds()


def test_01_a_worker_killed_with_the_job_in_its_hands(stage: Stage) -> None:
    """It took the job from the queue and claimed nothing yet: the clock asks again."""
    link = stage.world.link()
    worker = stage.worker()
    stage.clock()
    stage.soon(lambda: stage.world.row(link).due_at, None)
    start, _ = stage.forward(link, JAN, 5, 300)
    stage.soon(lambda: stage.world.row(link).due_at, start)
    stage.soon(lambda: stage.world.row(link).lease_until, None)
    queue = Queue("gcal-switch", connection=connect(stage.host["redis"]))
    with stage.world.rt.store.engine.begin() as other:
        other.execute(sa.text("LOCK TABLE gcal_forwarding IN EXCLUSIVE MODE"))  # reading goes on
        waiting = sa.text(
            "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted "
            "AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        stage.soon(lambda: other.execute(waiting).scalar_one(), True)
        assert queue.count == 0, "the job is nowhere but in the worker's hands"
        worker.kill()
    queue.connection.close()
    row = stage.world.row(link)
    assert (row.due_at, row.lease_until) == (start, None)
    stage.soon(lambda: stage.pbx.rings("200"), {JAN}, within=60)
    [write] = stage.pbx.history("200")
    assert 0 <= lateness(write, start) < 30


def test_01_a_worker_killed_after_it_claimed(stage: Stage) -> None:
    """Its claim runs out; the clock finds the line again."""
    link = stage.world.link()
    worker = stage.worker()
    stage.clock()
    stage.forward(link, JAN, 5, 300)
    stage.soon(lambda: edge_armed(stage, link), True)
    worker.kill()
    stage.soon(lambda: stage.pbx.rings("200"), {JAN}, within=60)
    assert len(stage.pbx.history("200")) == 1


def test_02_killed_between_the_write_and_its_record(stage: Stage) -> None:
    """The next worker reads first: one write, or at most two."""
    link = stage.world.link()
    worker = stage.worker()
    stage.clock()
    start, _ = stage.forward(link, JAN, 5, 300)
    stage.soon(lambda: edge_armed(stage, link), True)
    stage.pbx.faults(latency=1.5, times=1)
    time.sleep(max(0, (start - stage.world.clock.at).total_seconds()) + 0.5)
    worker.kill()  # its request is on the PBX's side already
    stage.soon(lambda: stage.world.row(link).observed, [["number", JAN]], within=60)
    assert stage.pbx.rings("200") == {JAN}
    assert len(stage.pbx.history("200")) <= 2


def test_03_a_worker_that_sleeps_past_its_lease_sends_nothing(
    between: tuple[Stage, Proxy],
) -> None:
    """SIGSTOP, and SIGCONT when somebody else has done the work and the world moved on."""
    stage, proxy = between
    link = stage.world.link()
    worker = stage.worker()
    stage.clock()
    stage.forward(link, JAN, 5, 300)
    stage.soon(lambda: edge_armed(stage, link), True)
    worker.pause()
    stage.soon(lambda: stage.pbx.rings("200"), {JAN}, within=60)
    now = stage.world.clock.at
    stage.world.window(link, PIET, now, now + timedelta(minutes=5))
    stage.soon(lambda: stage.pbx.rings("200"), {JAN, PIET}, within=20)
    before, sent = stage.pbx.history("200"), proxy.count("PUT")
    assert sent >= 2
    worker.resume()
    time.sleep(2)
    assert worker.running
    assert stage.pbx.history("200") == before
    assert proxy.count("PUT") == sent, "not even a write that the exchange would have refused"


@pytest.mark.parametrize("pause", [12, pytest.param(65, marks=pytest.mark.soak)])
def test_04_a_clock_that_slept_and_woke_doubles_nothing(stage: Stage, pause: int) -> None:
    """The second clock leads within ten seconds; the first one notices and stands back."""
    link = stage.world.link()
    stage.worker()
    first = stage.clock("clock1")
    first.wait_for("clock_leads")
    stage.soon(lambda: stage.world.row(link).due_at, None)
    second = stage.clock("clock2")
    start, end = stage.forward(link, JAN, pause, 3)
    first.pause()
    second.wait_for("clock_leads", timeout=10.5)
    stage.soon(lambda: stage.pbx.rings("200"), {JAN}, within=pause + 8)
    first.resume()
    first.wait_for("clock_waits", timeout=10)
    stage.soon(lambda: stage.pbx.rings("200"), set(), within=20)
    time.sleep(1)
    on, off = stage.pbx.history("200")
    assert 0 <= lateness(on, start) < 2
    assert 0 <= lateness(off, end) < 4


def test_25_two_clocks_and_two_workers_switch_each_line_once(stage: Stage) -> None:
    """The top of the hour, doubled: every line once, none early."""
    links = [stage.world.link(str(300 + number)) for number in range(60)]
    for name in ("one", "two"):
        stage.worker(name=f"worker-{name}")
        stage.clock(f"clock-{name}")
    edge = stage.world.clock.at + timedelta(seconds=6)
    for link in links:
        stage.world.window(link, JAN, edge, edge + timedelta(minutes=5))

    stage.soon(lambda: len(stage.pbx.history()), 60, within=25)
    time.sleep(1)
    writes = stage.pbx.history()
    # Nor was any line cleared to be sure of it, though nobody had ever read one.
    assert [write["destinations"] for write in writes] == [[{"kind": "number", "value": JAN}]] * 60
    assert len({write["extension"] for write in writes}) == 60
    assert min(lateness(write, edge) for write in writes) >= 0


@pytest.mark.parametrize("offset", ["+300s", "-300s"])
def test_26_a_worker_with_a_wrong_clock_pushes_nothing_wrong(stage: Stage, offset: str) -> None:
    """Due times are the database's. This far off, its signatures would be refused: it leaves the
    work to others."""
    faketime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
    link = stage.world.link()
    worker = stage.worker(LD_PRELOAD=faketime, FAKETIME=offset, FAKETIME_DONT_FAKE_MONOTONIC="1")
    stage.clock()
    start, end = stage.forward(link, JAN, 6, 4)
    stage.soon(lambda: len(stage.pbx.history("200")), 2, within=30)
    for write, edge in zip(stage.pbx.history("200"), (start, end), strict=True):
        assert 0 <= lateness(write, edge) < 9
    worker.wait_for("clock_is_off")


def test_28_a_cold_start_pushes_only_what_is_true_now(stage: Stage) -> None:
    """Everything was down while eight hours of edges passed."""
    link = stage.world.link()
    now = stage.world.clock.at
    for hour in range(8, 0, -1):
        begin = now - timedelta(hours=hour)
        stage.world.window(link, JAN, begin, begin + timedelta(minutes=30))
    stage.world.window(link, PIET, now - timedelta(minutes=5), now + timedelta(minutes=5))
    stage.worker()
    stage.clock()
    stage.soon(lambda: stage.pbx.rings("200"), {PIET}, within=20)
    assert len(stage.pbx.history("200")) == 1


def test_32_jobs_of_the_last_version_still_run(stage: Stage, redis_url: str) -> None:
    """A rolling deploy: an older clock asked without the arguments that came later."""

    from gcal_plugin.jobs.connection import connect

    link = stage.world.link()
    stage.world.window(link, JAN, stage.world.clock.at, stage.world.clock.at + timedelta(hours=1))
    queue = Queue("gcal-switch", connection=connect(redis_url), serializer=JSONSerializer)
    queue.enqueue_call("gcal_plugin.jobs.tasks.switch_batch", args=["main", [str(link)]])
    queue.connection.close()
    stage.worker()
    stage.soon(lambda: stage.pbx.rings("200"), {JAN})


def test_a_worker_ends_gently_on_sigterm(stage: Stage, redis_url: str) -> None:
    worker = stage.worker()
    with connect(redis_url) as redis:
        stage.soon(lambda: redis.scard("rq:workers"), 1)
    time.sleep(1)  # registered, and about to listen to signals
    worker.signal_leader(signal.SIGTERM)
    assert worker.wait(10) == 0


def test_a_job_that_names_another_function_is_refused(stage: Stage, redis_url: str) -> None:
    """Whoever can write to Redis cannot run code here."""
    from rq.serializers import JSONSerializer

    from gcal_plugin.jobs.connection import connect

    queue = Queue("gcal-switch", connection=connect(redis_url), serializer=JSONSerializer)
    trace = stage.folder / "owned"
    bad = [
        queue.enqueue_call("os.system", args=[f"touch {trace}"]),
        queue.enqueue_call("gcal_plugin.jobs.tasks.send_mail", on_failure=Callback("os.abort")),
    ]
    worker = stage.worker()

    def status(job_id: str) -> str:
        job = Job.fetch(job_id, connection=queue.connection, serializer=JSONSerializer)
        return str(job.get_status().value)

    for job in bad:
        stage.soon(partial(status, job.id), "failed")
    assert worker.running
    assert not trace.exists()
    queue.connection.close()
