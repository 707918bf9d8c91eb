"""The worker: one queue, JSON only, our own tasks only, in one process without forking."""

from __future__ import annotations

import os
import socket
import time
import traceback
from types import FrameType
from typing import Any

import structlog
from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import DeserializationError
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from ..logs import redact
from .battery import Battery
from .connection import connect_worker
from .context import runtime_of
from .queues import QueueName
from .tasks import BATTERY, TASKS

log = structlog.get_logger(__name__)

MAINTENANCE_SECONDS = 15
"""How often RQ looks for jobs whose worker died; its own default is ten minutes."""
RESTART_SECONDS = 1.0


class GcalWorker(SimpleWorker):
    """Runs jobs of `TASKS` in the application's context.

    Without forking a job costs some 10 ms instead of 24, and armed batches can wait in threads.
    """

    max_connection_wait_time = 5.0
    ending = False
    """Whether a signal asked this worker to stop."""

    def __init__(self, app: Flask, queue: QueueName, connection: Redis, **options: Any) -> None:
        self._app = app
        name = f"{queue.value}-{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"
        super().__init__(
            [queue.value],
            connection=connection,
            name=name,
            serializer=JSONSerializer,
            maintenance_interval=MAINTENANCE_SECONDS,
            log_job_description=False,
            worker_ttl=60,
            **options,
        )

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Stop after the job at hand (RQ's own handler, which raises where the worker is idle)."""
        self.ending = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Run one job; whatever is none of ours ends as failed, unimported and unrun."""
        fault = _foreign(job)
        if fault:
            log.error("foreign_job_refused", fault=fault, queue=queue.name)
            job.webhooks = []
            self.handle_job_failure(job, queue, exc_string=fault, execution=execution)
            return False
        rt = runtime_of(self._app)
        told = structlog.contextvars.bound_contextvars(job_id=job.id, queue=queue.name)
        with told, self._app.app_context():
            try:
                return super().perform_job(job, queue, execution)
            finally:
                rt.store.release()

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: StartedJobRegistry | None = None,
        exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:
        """Keep why a job failed, without what its error quotes: it is kept for a day and shown."""
        kept = redact(exc_string)
        super().handle_job_failure(job, queue, started_job_registry, kept, execution)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log it as ours are logged; RQ's own line would quote whatever the error does."""
        fault = redact("".join(traceback.format_exception(*exc_info)))
        log.error("job_failed", job_id=job.id, queue=job.origin, fault=fault)


def _foreign(job: Job) -> str:
    """Why a job is none of ours; empty where it is.

    A job can name any function three times over: to run, and to be called when it ended well or
    badly. RQ's web hooks would send requests for whoever can write to the queue's server.
    """
    try:
        name = job.func_name
    except (DeserializationError, ValueError, TypeError, AttributeError) as error:
        return f"the job cannot be read: {type(error).__name__}"
    if name not in TASKS or job.instance is not None:
        return f"{str(name)[:200]} is no task of this worker"
    callbacks = (
        job._success_callback_name,  # noqa: SLF001 (their public names would import them)
        job._failure_callback_name,  # noqa: SLF001
        job._stopped_callback_name,  # noqa: SLF001
    )
    if any(callbacks):
        return "jobs of this worker have no callbacks"
    return "jobs of this worker have no web hooks" if job.webhooks else ""


def work(app: Flask, queue: QueueName, *, burst: bool = False) -> None:
    """Serve one queue until SIGTERM or Ctrl-C; what is armed still goes out.

    RQ's worker ends when the queue's server misbehaves; here it starts again.
    """
    rt = runtime_of(app)
    battery = Battery(app)
    app.extensions[BATTERY] = battery
    try:
        while True:
            worker: GcalWorker | None = None
            try:
                worker = GcalWorker(app, queue, connect_worker(rt.settings.redis_url))
                log.info("worker_listens", queue=queue.value)
                worker.work(burst=burst, logging_level="WARNING")
            except RedisError as error:
                log.warning("queue_away", queue=queue.value, error=type(error).__name__)
            if burst or (worker is not None and worker.ending):
                return
            time.sleep(RESTART_SECONDS)
    finally:
        battery.close()
        app.extensions.pop(BATTERY, None)
