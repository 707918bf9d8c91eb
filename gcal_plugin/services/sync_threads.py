"""Asking Google for many calendars at once: the few threads that each process keeps for it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .runtime import Runtime

_THREADS = 16
"""Enough to keep Google's whole quota busy at a tenth of a second an answer."""

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def side_by_side(
    rt: Runtime, items: Sequence[_Item], ask: Callable[[_Item], _Answer]
) -> Iterator[tuple[_Item, _Answer]]:
    """Begin to ask for each item, a few at a time, in no particular order; the answers are
    waited for as they are read. One item alone is asked for by its reader.

    `ask` runs in other threads: it must not touch the database, and what it raises ends it all.
    """
    if len(items) == 1:
        return ((item, ask(item)) for item in items)
    # Each thread takes the next one as soon as it is free: handing over item by item would cost
    # more than some answers do.
    waiting = deque(items)

    def drain() -> list[tuple[_Item, _Answer]]:
        answers: list[tuple[_Item, _Answer]] = []
        while True:
            try:
                item = waiting.popleft()
            except IndexError:
                return answers
            answers.append((item, ask(item)))

    hands = [_pool(rt).submit(drain) for _ in range(min(_THREADS, len(items)))]
    return (pair for hand in hands for pair in hand.result())


def close(rt: Runtime) -> None:
    """End this process's threads, when the application does."""
    pool = rt.extras.pop(_pool_key(), None)
    if isinstance(pool, ThreadPoolExecutor):
        pool.shutdown()


def _pool_key() -> str:
    return f"sync threads of {os.getpid()}"


def _pool(rt: Runtime) -> ThreadPoolExecutor:
    """This process's threads; a forked child makes its own."""
    key = _pool_key()
    pool = rt.extras.get(key)
    if not isinstance(pool, ThreadPoolExecutor):
        pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="gcal-sync")
        rt.extras[key] = pool
    return pool
