"""The queues, one per kind of work and one worker process per queue.

A worker that listens to one queue only takes each job through that queue's own intermediate list,
from which RQ can bring it back when the worker dies right after taking it.
"""

from __future__ import annotations

from enum import StrEnum


class QueueName(StrEnum):
    """Names of the queues, as operators see them."""

    SWITCH = "gcal-switch"
    """Forwards: short, urgent, and never behind anything else."""
    SYNC = "gcal-sync"
    """Fetching calendars."""
    CARE = "gcal-care"
    """Upkeep: channels, reconciling, purging."""
    MAIL = "gcal-mail"


TASK_MODULE = "gcal_plugin.jobs.tasks"
JOB_SECONDS = {
    QueueName.SWITCH: 120,
    QueueName.SYNC: 600,
    QueueName.CARE: 900,
    QueueName.MAIL: 300,
}
"""How long a job may take before it is broken off."""
