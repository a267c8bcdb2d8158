"""A limiter in a child that was forked while somebody waited in the parent."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import weakref

import pytest

from aiolimiter import AsyncLimiter, SlidingWindowLimiter
from aiolimiter._shell import clock

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(sys.platform == "win32", reason="Linux only: needs fork"),
]

# A process of its own: nobody else's threads and loops are in the child.
PROGRAM = """
import asyncio, gc, os, sys
from aiolimiter import *

limiter = {make}
ended = []

async def waiter():
    try:
        await limiter.acquire(2)
    finally:
        ended.append(os.getpid())

async def child():
    await asyncio.wait_for(limiter.acquire(2), 5)
    gc.collect()
    assert not ended, "what the parent's tasks do at their end, the child must not"
    assert limiter.statistics().waiting == 0

async def parent():
    assert limiter.try_acquire(2)
    waiting = [asyncio.create_task(waiter()) for _ in range(3)]
    del waiting[1:]
    await asyncio.sleep(0.01)
    if (pid := os.fork()) == 0:
        asyncio._set_running_loop(None)
        try:
            asyncio.run(child())
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    await waiting[0]
    return os.waitstatus_to_exitcode(status)

sys.exit(asyncio.run(parent()))
"""


@pytest.mark.parametrize(
    "make",
    [
        "AsyncLimiter(2, 0.1)",
        "SlidingWindowLimiter(2, 0.1)",
        "KeyedLimiter(2, 0.1)['a']",
        "CombinedLimiter(AsyncLimiter(2, 0.1), AsyncLimiter(2, 0.05))",
    ],
)
def test_who_waits_in_the_parent_is_not_in_the_way(make):
    """The child limits by itself, and leaves the parent's tasks alone."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{make}", make)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])
def test_the_tasks_of_the_parent_are_kept(kind, monkeypatch):
    """In another process its loop is no obstacle, and its tasks don't end there."""
    limiter, ended = kind(1, 0.01), []
    parent, child = asyncio.new_event_loop(), asyncio.new_event_loop()

    async def wait():
        try:
            await limiter.acquire()
        finally:
            ended.append(True)

    async def begin():
        await limiter.acquire()
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        return weakref.ref(task)

    task = parent.run_until_complete(begin())
    monkeypatch.setattr(clock, "getpid", lambda: -1)
    child.run_until_complete(asyncio.wait_for(limiter.acquire(), 5))
    gc.collect()

    assert not ended
    assert not task().done()
    task().cancel()
    parent.run_until_complete(asyncio.sleep(0))
    clock._forked.clear()
    parent.close()
    child.close()
