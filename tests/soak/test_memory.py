"""The whole product under steady use for half an hour: no process of ours may grow.

`MEMORY_MINUTES` makes it shorter or longer.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import deque
from datetime import UTC, datetime, timedelta

import httpx
import psutil
import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import Product
from tests.e2e.test_journey import CALENDAR, link_up

MINUTES = float(os.environ.get("MEMORY_MINUTES", "30"))
WARM_UP = 5.0
"""Minutes before the first measure: caches fill, every kind of work was done a few times."""
MOST = 0.05
"""By how much a process may grow from the first minute after the warm-up to the last."""
EVERY = 12.0
"""Seconds between events; each starts soon and is deleted when it is long over. (A line starts at
most 200 forwards a day.)"""
NEIGHBOURS = ("fake_google", "demo_pbx", "mailbox", "valkey", "redis")
"""What stands in for the world outside, keeps its history by design, and is not measured."""


def ours(product: Product) -> dict[int, str]:
    """The product's own processes: id -> what it is."""
    found = {}
    for process in psutil.Process(product.process.pid).children(recursive=True):
        words = " ".join(process.cmdline())
        if "python" in words and not any(name in words for name in NEIGHBOURS):
            found[process.pid] = words.split(" -m ", 1)[-1][:60]
    return found


def resident(pid: int) -> float:
    """Resident memory in MiB."""
    mib: float = psutil.Process(pid).memory_info().rss / 2**20
    return mib


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_no_process_grows_in_half_an_hour(product: Product, page: Page) -> None:
    link_up(page, product)
    cookies = {one["name"]: one["value"] for one in page.context.cookies()}
    page.context.close()
    processes = ours(product)
    assert len(processes) >= 4, f"web, workers and clock are watched, not only {processes}"
    samples: dict[int, list[tuple[float, float]]] = {pid: [] for pid in processes}
    began, asked, events = time.monotonic(), 0, deque[tuple[float, str]]()
    warm, whole = WARM_UP * 60, (WARM_UP + MINUTES) * 60
    next_event = next_sample = 0.0
    with product.google() as google, httpx.Client(cookies=cookies, timeout=30) as visitor:
        while (passed := time.monotonic() - began) < whole:
            if passed >= next_event:
                start = datetime.now(UTC) + timedelta(seconds=8)
                title = f"06 1234{asked % 9000 + 1000}"
                event = google.add_event(CALENDAR, title, start, start + timedelta(seconds=4))
                events.append((passed, event["id"]))
                next_event = passed + EVERY
                if events[0][0] < passed - 60:
                    google.delete_event(CALENDAR, events.popleft()[1])
            answer = visitor.get(f"{product.portal}/google-calendar/")
            assert answer.status_code == 200
            asked += 1
            if passed >= next_sample:
                next_sample = passed + 5
                for pid, seen in samples.items():
                    seen.append((passed, resident(pid)))
            time.sleep(0.3)
    switched = len(product.history())
    print(f"{asked} pages, {switched} switches")
    log = product.process.tail(40)
    assert switched > (WARM_UP + MINUTES) * 60 / EVERY, f"it was used all the time{log}"
    grown = {}
    for pid, seen in samples.items():
        first = statistics.median(mib for at, mib in seen if warm <= at < warm + 60)
        last = statistics.median(mib for at, mib in seen if at >= whole - 60)
        print(f"{first:6.1f} -> {last:6.1f} MiB  {processes[pid]}")
        if last > first * (1 + MOST):
            grown[processes[pid]] = (first, last)
    assert grown == {}
