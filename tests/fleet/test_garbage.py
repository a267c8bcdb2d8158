"""What nobody holds any more goes at once, without the garbage collector."""

from __future__ import annotations

import asyncio
import gc
from weakref import ref

import pytest

from aiolimiter import RateLimitExceeded

from .memory import Memory, process


@pytest.fixture
def collecting():
    """What counts the objects that only the garbage collector could free."""
    gc.collect()
    gc.disable()
    yield gc.collect
    gc.enable()


async def use(limiter):
    """Do with it what can be done."""
    await asyncio.gather(*(limiter.try_acquire() for _ in range(5)))
    async with limiter.reserve(4) as reservation:
        await reservation.settle(2)
    waiting = [asyncio.create_task(limiter.acquire(5)) for _ in range(2)]
    await asyncio.sleep(1)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    await limiter.pause(3)
    await limiter.restrict(2)
    await limiter.acquire()
    await limiter.statistics()
    await asyncio.sleep(100)


@pytest.mark.parametrize("on_error", ["raise", "wait", "local"])
async def test_a_limiter_that_was_used_goes_when_nobody_holds_it(on_error, collecting):
    """A key that is forgotten costs nothing afterwards, whatever was done with it."""
    limiter = process(Memory(0.01), 10, 60, on_error=on_error)
    await use(limiter)
    collecting()
    gone = ref(limiter), ref(limiter._line)
    del limiter

    assert [one() for one in gone] == [None, None]


async def test_a_line_with_a_trip_to_make_stays_until_it_is_made(collecting):
    """What a limiter owes is told, although nobody holds it any more."""
    store = Memory(0.01)
    limiter = process(store, 10, 60)
    async with limiter.reserve(4):
        pass
    task = asyncio.create_task(limiter.acquire(9))
    await asyncio.sleep(1)
    task.cancel()
    del limiter, task
    await asyncio.sleep(1)

    assert (await process(store, 10, 60).statistics()).level < 4


async def test_a_refusal_leaves_no_garbage(collecting):
    """Who refuses all day does not work for the garbage collector."""
    limiter = process(Memory(), 1, 3600)
    await limiter.acquire()
    collecting()
    for _ in range(200):
        assert not await limiter.try_acquire()
        with pytest.raises(RateLimitExceeded):
            await limiter.acquire(max_wait=1)

    # pytest's own, for each that it catches.
    assert collecting() < 100
