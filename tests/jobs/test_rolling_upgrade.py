"""Old and new side by side: jobs of the last version run, and what a newer one adds is no fault."""

from __future__ import annotations

import inspect

import pytest

from gcal_plugin.jobs.duties import CARE
from gcal_plugin.jobs.queues import QueueName
from gcal_plugin.jobs.tasks import TASKS

ID = "018f3c6e-7a52-7c1e-9d6b-0242ac120002"
T = "gcal_plugin.jobs.tasks."
SHIPPED: list[tuple[str, str, list[object]]] = [
    ("1.0", f"{T}switch_batch", ["main", [ID]]),
    ("1.0", f"{T}switch_batch", ["main", [ID], None]),
    ("1.0", f"{T}switch_batch", ["main", [ID], "2026-11-24T09:00:00+00:00"]),
    ("1.0", f"{T}sync_calendars", [[ID]]),
    ("1.0", f"{T}sync_calendars", [[ID], True]),
    ("1.0", f"{T}care", ["purge", {}]),
    ("1.0", f"{T}care", ["sweep", {"pbx": "main"}]),
    ("1.0", f"{T}send_mail", []),
]
"""Every job that a released version puts into the queue. Lines are added, never changed."""
CARE_SHIPPED = {"sweep", "purge", "mail", "channels", "contracts", "quotes", "reminders"}


@pytest.mark.parametrize(("version", "name", "arguments"), SHIPPED, ids=range(len(SHIPPED)))
def test_a_job_of_a_released_version_is_taken(
    version: str, name: str, arguments: list[object]
) -> None:
    inspect.signature(TASKS[name]).bind(*arguments)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_ignores_what_a_newer_version_adds(name: str) -> None:
    kinds = [one.kind for one in inspect.signature(TASKS[name]).parameters.values()]
    assert inspect.Parameter.VAR_KEYWORD in kinds


def test_upkeep_keeps_its_names_and_the_queues_theirs() -> None:
    assert set(CARE) >= CARE_SHIPPED
    assert {queue.value for queue in QueueName} >= {
        "gcal-switch", "gcal-sync", "gcal-care", "gcal-mail",
    }  # fmt: skip
