"""The table of duties: every name leads to a service, and nothing else can be named."""

from __future__ import annotations

import pytest

from gcal_plugin.jobs.duties import CARE, DUTIES, UnknownCare, care_task
from gcal_plugin.jobs.queues import TASK_MODULE
from gcal_plugin.jobs.tasks import TASKS


@pytest.mark.parametrize("name", sorted(CARE))
def test_every_care_is_a_service_that_exists(name: str) -> None:
    assert callable(care_task(name))


def test_every_duty_is_a_known_care() -> None:
    assert {duty.care for duty in DUTIES} <= set(CARE)


@pytest.mark.parametrize("name", ["os:system", "", "sweep:", "__import__", "../sweep"])
def test_no_other_name_leads_anywhere(name: str) -> None:
    with pytest.raises(UnknownCare):
        care_task(name)


def test_the_tasks_are_the_ones_that_the_queue_names() -> None:
    assert {name.removeprefix(f"{TASK_MODULE}.") for name in TASKS} == {
        "switch_batch",
        "sync_calendars",
        "care",
        "send_mail",
    }
