"""max_rate, time_period and burst set while tasks wait."""

from __future__ import annotations

import asyncio
import re

import pytest

from aiolimiter import AsyncLimiter, SlidingWindowLimiter

from .timetable import admission, admissions, in_line, now, spent, until

BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])


async def test_a_faster_rate_shortens_the_waits():
    """Those who wait are re-timed at once when the rate grows."""
    limiter = await spent(AsyncLimiter(1, 10))
    waiting = [await in_line(limiter) for _ in range(2)]
    await until(5)

    limiter.time_period = 1

    # Half has leaked; the other half takes 0.5 s now.
    assert [await task for task in waiting] == [5.5, 6.5]


async def test_a_slower_rate_lengthens_the_waits():
    """Those who wait are re-timed at once when the rate falls."""
    limiter = await spent(AsyncLimiter(1, 1))
    waiting = [await in_line(limiter) for _ in range(2)]
    await until(0.5)

    limiter.time_period = 10

    assert [await task for task in waiting] == [5.5, 15.5]


async def test_equal_amounts_keep_their_order_through_a_change():
    """Who came first goes first, also when somebody gave up before a change."""
    limiter = await spent(AsyncLimiter(1, 1, burst=2))
    quitter, first = [await in_line(limiter) for _ in range(2)]
    large = await in_line(limiter, 2)
    second = await in_line(limiter)
    quitter.cancel()

    limiter.time_period = 0.5

    assert [await task for task in (first, second, large)] == [0.5, 1, 2]


async def test_a_larger_max_rate_is_a_larger_burst_too():
    """The burst follows max_rate: what it grows by is room at once."""
    limiter = await spent(AsyncLimiter(2, 2))
    waiting = [await in_line(limiter) for _ in range(3)]

    limiter.max_rate = 4

    assert [await task for task in waiting] == [0, 0, 0.5]
    assert limiter.burst == 4


async def test_a_burst_of_its_own_does_not_follow():
    """Once set, by the constructor or later, the burst stays."""
    given, later = AsyncLimiter(10, burst=3), AsyncLimiter(10)
    later.burst = 5

    given.max_rate = later.max_rate = 20

    assert (given.burst, later.burst) == (3, 5)


async def test_changing_the_rate_keeps_the_level():
    """What was taken stays taken: a change leaks up to now, and keeps the level."""
    limiter = AsyncLimiter(10, 10)
    await limiter.acquire(8)
    await until(3)

    limiter.max_rate = 100

    assert limiter.statistics().level == 5
    await asyncio.sleep(0.2)
    assert limiter.statistics().level == pytest.approx(3)


async def test_a_larger_burst_admits_at_once():
    """What the burst grows by is granted at once."""
    limiter = AsyncLimiter(1, 1, burst=1)
    await limiter.acquire()
    waiting = await in_line(limiter)

    limiter.burst = 2

    assert await waiting == 0


async def test_a_smaller_burst_is_waited_for():
    """A level above a smaller burst is a debt."""
    limiter = AsyncLimiter(10, 10)
    await limiter.acquire(6)

    limiter.burst = 2

    assert limiter.statistics().level == 6
    assert await admission(limiter) == 5


async def test_a_burst_paces():
    """burst=1 paces evenly from the start."""
    limiter = AsyncLimiter(100, 60, burst=1)

    assert await admissions(limiter, [0] * 4) == pytest.approx([0, 0.6, 1.2, 1.8])


async def test_a_burst_above_the_rate():
    """A burst may be larger than max_rate."""
    limiter = AsyncLimiter(1, 1, burst=3)

    assert await admissions(limiter, [0] * 5) == [0, 0, 0, 1, 2]


async def test_starting_full():
    """A limiter that is restricted to 0 at first starts with no burst."""
    limiter = AsyncLimiter(4, 8)
    limiter.restrict(0)

    assert await admissions(limiter, [0] * 3) == [2, 4, 6]


@BOTH
@pytest.mark.parametrize("rest", [0, 1, 3])
async def test_who_can_no_longer_fit_is_told(kind, rest):
    """Who can never fit any more gets the error they would have got on arrival."""
    limiter = await spent(kind(10, 10))
    large = await in_line(limiter, 5)
    others = [await in_line(limiter) for _ in range(rest)]

    limiter.max_rate = 3

    message = (
        "can't acquire 5: this limiter holds at most 3; "
        "ask for less at a time, or raise the limit"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        await large
    assert now() == 0
    assert limiter.statistics().waiting == rest
    for task in others:
        task.cancel()


@BOTH
async def test_several_who_can_no_longer_fit(kind):
    """All of them are told at once, and those between them go on waiting."""
    limiter = await spent(kind(10, 10))
    large = [await in_line(limiter, amount) for amount in (5, 9, 4)]
    small = await in_line(limiter, 2)

    limiter.max_rate = 3
    results = await asyncio.gather(*large, return_exceptions=True)

    assert [type(result) for result in results] == [ValueError] * 3
    assert limiter.statistics().waiting == 1
    await small


async def test_who_is_told_and_cancelled_is_cancelled():
    """Who can no longer fit and is cancelled at once takes nothing and is gone."""
    limiter = await spent(AsyncLimiter(10, 10))
    large = await in_line(limiter, 5)

    limiter.burst = 3
    large.cancel()
    await asyncio.wait([large])

    assert large.cancelled()
    assert limiter.statistics().waiting == 0
    assert limiter.statistics().level == 10


async def test_the_limit_can_come_and_go():
    """max_rate may be set to infinite and back; nothing is owed after that."""
    limiter = await spent(AsyncLimiter(1, 1))
    waiting = await in_line(limiter)

    limiter.max_rate = float("inf")
    assert await waiting == 0
    await limiter.acquire(1e9)
    limiter.max_rate = 1

    assert limiter.statistics().level == 0
    assert await admissions(limiter, [0, 0]) == [0, 1]


async def test_many_who_wait():
    """A change of the rate keeps 10,000 who wait in order, and re-times them all."""
    limiter = await spent(AsyncLimiter(1000, 1))
    tasks = [asyncio.create_task(admission(limiter)) for _ in range(10_000)]
    await asyncio.sleep(0)

    limiter.time_period = 10
    limiter.time_period = 0.5
    instants = await asyncio.gather(*tasks)

    assert instants == sorted(instants)
    assert instants[-1] == pytest.approx(10_000 / 2000)


async def test_deadlines_stay_when_the_rate_changes():
    """A change of the rate moves nobody's deadline."""
    limiter = await spent(AsyncLimiter(1, 10))
    hopeful = await in_line(limiter, max_wait=10)

    limiter.time_period = 5

    assert await hopeful == 5


async def test_a_window_shrinks():
    """A window that is shortened lets go what is older than it."""
    limiter = await spent(SlidingWindowLimiter(3, 10))
    waiting = await in_line(limiter)
    await until(2)

    limiter.time_period = 4

    assert await waiting == 4


async def test_a_window_grows():
    """A window that is lengthened keeps what it still has for longer."""
    limiter = await spent(SlidingWindowLimiter(3, 10))
    waiting = await in_line(limiter)
    await until(2)

    limiter.time_period = 20

    assert await waiting == 20


async def test_a_window_admits_more():
    """A larger max_rate of a window is room at once; a smaller one is waited for."""
    limiter = await spent(SlidingWindowLimiter(3, 10))
    first, second = await in_line(limiter), await in_line(limiter)

    limiter.max_rate = 4
    assert await first == 0
    limiter.max_rate = 1

    assert await second == 10
