"""Eager tasks, which run at once until they wait: the timetable is the same."""

from __future__ import annotations

import asyncio
import sys

import pytest

from aiolimiter import (
    AsyncLimiter,
    CombinedLimiter,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    RateLimitExceeded,
    SlidingWindowLimiter,
)

from .timetable import admission, now

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="needs CPython 3.12: eager tasks"
)

KINDS = pytest.mark.parametrize(
    "make",
    [
        AsyncLimiter,
        SlidingWindowLimiter,
        lambda *limit: KeyedLimiter(*limit)["a"],
        lambda *limit: KeyedSlidingWindowLimiter(*limit)["a"],
        lambda *limit: CombinedLimiter(AsyncLimiter(*limit), AsyncLimiter(9, 1)),
    ],
    ids=["bucket", "window", "key", "key's window", "combined"],
)
DEBUG = pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])


def eagerly(debug):
    """Let the running loop start each task at once."""
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    loop.set_debug(debug)
    # In debug mode a slow machine would be a warning.
    loop.slow_callback_duration = 60


@KINDS
@DEBUG
async def test_who_comes_first_goes_first(make, debug):
    """Those with room go at once, within `create_task`; the others in their order."""
    eagerly(debug)
    limiter = make(2, 2)

    tasks = [asyncio.create_task(admission(limiter)) for _ in range(4)]
    at_once = [task.done() for task in tasks]
    found = await asyncio.gather(*tasks)

    assert at_once == [True, True, False, False]
    assert found == sorted(found)
    assert found[-1] == pytest.approx(2)


@KINDS
@DEBUG
async def test_who_leaves_takes_nothing(make, debug):
    """An eager task that is cancelled, or refused, leaves no trace."""
    eagerly(debug)
    limiter = make(1, 1)
    await limiter.acquire()
    cancelled = asyncio.create_task(limiter.acquire())
    refused = asyncio.create_task(limiter.acquire(max_wait=0.5))
    waiting = asyncio.create_task(admission(limiter))
    cancelled.cancel()

    assert await waiting == pytest.approx(1)
    assert isinstance(refused.exception(), RateLimitExceeded)
    assert cancelled.cancelled()
    assert limiter.statistics().waiting == 0


@DEBUG
async def test_entering_and_the_decorator(debug):
    """`async with`, and a decorated function, do as they always do."""
    eagerly(debug)
    limiter = AsyncLimiter(1, 1)

    @limiter
    async def call():
        return now()

    async def enter():
        async with limiter:
            return now()

    tasks = [asyncio.create_task(each()) for each in (call, enter, call)]

    assert await asyncio.gather(*tasks) == [0, 1, 2]
