"""Memory is proportional to who is really waiting."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref

import pytest

from aiolimiter import AsyncLimiter, SlidingWindowLimiter

from .timetable import in_line, spent, until

BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])


def held_by(limiter) -> int:
    """Count the objects that only *limiter* leads to, down to the futures."""
    seen, stack = {}, [limiter]
    while stack:
        thing = stack.pop()
        if id(thing) in seen or isinstance(thing, (type, asyncio.AbstractEventLoop)):
            continue
        if type(thing).__name__ in {"module", "function", "method", "dict"}:
            continue
        seen[id(thing)] = thing
        if not isinstance(thing, asyncio.Future):
            stack.extend(gc.get_referents(thing))
    return len(seen)


async def come_and_go(limiter, number, **options):
    """Let *number* of tasks wait for *limiter*, and be cancelled one by one."""
    for _ in range(number):
        coroutine = limiter.acquire(**options)
        coroutine.send(None)
        coroutine.close()


@BOTH
@pytest.mark.parametrize("options", [{}, {"max_wait": 1e6}], ids=["", "max_wait"])
async def test_many_cancelled_waits(kind, options):
    """Behind one who really waits, 30,000 that gave up leave nothing behind."""
    limiter = await spent(kind(1, 1e4))
    waiting = await in_line(limiter, **options)
    # Its deadline is before all others.
    await asyncio.sleep(1)
    before = held_by(limiter)

    await come_and_go(limiter, 30_000, **options)

    assert limiter.statistics().waiting == 1
    assert held_by(limiter) <= before + 500
    waiting.cancel()


@BOTH
async def test_a_crowd_that_gives_up_at_once(kind):
    """A crowd that is cancelled in one tick leaves nothing behind either."""
    limiter = await spent(kind(1, 1e4))
    waiting = await in_line(limiter)
    before = held_by(limiter)

    tasks = [await in_line(limiter) for _ in range(10_000)]
    assert held_by(limiter) >= before + 10_000
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    del tasks, task

    assert held_by(limiter) <= before + 500
    waiting.cancel()


@BOTH
async def test_those_who_pass_others_and_give_up(kind):
    """Small ones that were to pass a large one leave nothing behind."""
    limiter = await spent(kind(100, 1e6))
    waiting = await in_line(limiter, 100)
    before = held_by(limiter)

    await come_and_go(limiter, 5000)

    assert held_by(limiter) <= before + 500
    waiting.cancel()


async def test_deadlines_of_those_who_were_granted():
    """A long max_wait is forgotten with the grant, also if the queue never empties."""
    limiter = await spent(AsyncLimiter(1000, 1))
    tasks = [await in_line(limiter, max_wait=1e6) for _ in range(200)]
    before = held_by(limiter)

    for _ in range(5_000):
        await tasks.pop(0)
        tasks.append(await in_line(limiter, max_wait=1e6))

    assert limiter.statistics().waiting == 200
    assert held_by(limiter) <= before + 2000
    await asyncio.gather(*tasks)


@BOTH
async def test_what_was_foretold_of_those_who_have_gone(kind):
    """What was foretold of somebody goes with him, also if the queue never empties."""
    limiter = await spent(kind(100, 10))
    waiting = {await in_line(limiter, 1 + n % 2, max_wait=1e6) for n in range(200)}
    before = held_by(limiter)

    for n in range(3000):
        waiting.add(await in_line(limiter, 1 + n % 2, max_wait=1e6))
        if len(waiting) > 250:
            _, waiting = await asyncio.wait(
                waiting, return_when=asyncio.FIRST_COMPLETED
            )

    assert held_by(limiter) <= 3 * before
    for task in waiting:
        task.cancel()


@BOTH
async def test_an_idle_limiter_holds_no_timer(kind):
    """When nobody waits, nothing is scheduled in the loop."""
    limiter = kind(1, 1)
    loop = asyncio.get_running_loop()

    await limiter.acquire()
    await limiter.acquire()
    waiting = await in_line(limiter, max_wait=50)
    waiting.cancel()
    await asyncio.wait([waiting])
    limiter.pause(3)
    limiter.max_rate = 2

    assert [timer for timer in loop._scheduled if not timer.cancelled()] == []


async def test_one_timer_for_all():
    """However many wait, and until when: there is one timer."""
    limiter = await spent(AsyncLimiter(10, 10))
    tasks = [await in_line(limiter, 1 + n % 3, max_wait=99 + n) for n in range(30)]
    timers = asyncio.get_running_loop()._scheduled

    assert len([timer for timer in timers if not timer.cancelled()]) == 1
    await asyncio.gather(*tasks)


@BOTH
async def test_a_limiter_can_go(kind):
    """Nothing keeps a limiter that nobody uses any more."""
    limiter = await spent(kind(1, 1))
    await limiter.acquire()
    async with limiter.reserve():
        pass
    await asyncio.sleep(0)
    gone = weakref.ref(limiter)

    del limiter
    gc.collect()

    assert gone() is None


async def test_a_window_of_ten_million():
    """A window of ten million a day needs a few thousand entries, not ten million."""
    limiter = SlidingWindowLimiter(10_000_000, 86_400)
    for n in range(10_000):
        await until(n * 10.0)
        assert limiter.try_acquire(1000)

    assert held_by(limiter) < 30_000


async def test_open_reservations():
    """What is kept for giving back goes with the reservations."""
    limiter = AsyncLimiter(1e6, 1e6)
    before = held_by(limiter)

    async def use():
        async with limiter.reserve() as reservation:
            await asyncio.sleep(1)
            reservation.settle(0.5)

    await asyncio.gather(*(use() for _ in range(1000)))

    assert held_by(limiter) <= before + 5
    assert limiter.statistics().level == pytest.approx(500, rel=0.01)


@BOTH
def test_a_limiter_is_small(kind):
    """A limiter that nobody waits for takes less than 3 kB."""
    limiters = [kind(10) for _ in range(1000)]

    gc.collect()
    before = sys.getallocatedblocks()
    more = [kind(10) for _ in range(1000)]
    blocks = sys.getallocatedblocks() - before

    assert len(limiters) == len(more)
    assert blocks < 40 * 1000
