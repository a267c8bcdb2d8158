"""
Small timetables that must come true on every event loop, a browser's included.

Each scene returns pairs: the instant of an admission, and the earliest that is
allowed, both counted from its start.  It takes a fraction of a second, since
where there is no virtual time it is played in real time.
"""

from __future__ import annotations

import asyncio

from aiolimiter import (
    AsyncLimiter,
    CombinedLimiter,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    RateLimitExceeded,
    SlidingWindowLimiter,
)


async def instants(start, *admissions):
    """When each was admitted, counted from *start*."""
    time = asyncio.get_running_loop().time

    async def at(admission):
        await admission
        return time() - start

    return await asyncio.gather(*map(at, admissions))


def now():
    return asyncio.get_running_loop().time()


async def bucket():
    """Four go at once, then one each 20 ms."""
    limiter, start = AsyncLimiter(4, 0.08), now()
    found = await instants(start, *(limiter.acquire() for _ in range(8)))
    return zip(found, [0, 0, 0, 0, 0.02, 0.04, 0.06, 0.08], strict=True)


async def pacing():
    """A bucket of one paces evenly."""
    limiter, start = AsyncLimiter(1, 0.02), now()
    found = []
    for _ in range(4):
        async with limiter:
            found.append(now() - start)
    return zip(found, [0, 0.02, 0.04, 0.06], strict=True)


async def quick():
    """A thousand a second, each due while the last one is looked at."""
    limiter, start = AsyncLimiter(1, 0.001), now()
    found = await instants(start, *(limiter.acquire() for _ in range(100)))
    # A late timer is made up for.
    expected = [max(0, n * 0.001 - 0.010) for n in range(100)]
    return zip(found, expected, strict=True)


async def window():
    """Two at once, and two more when the first are as old as the window."""
    limiter, start = SlidingWindowLimiter(2, 0.04), now()
    found = await instants(start, *(limiter.acquire() for _ in range(5)))
    return zip(found, [0, 0, 0.04, 0.04, 0.08], strict=True)


async def keys():
    """Each key has a limit of its own."""
    limits, start = KeyedLimiter(1, 0.03), now()
    found = await instants(start, *(limits[n % 2].acquire() for n in range(4)))
    return zip(found, [0, 0, 0.03, 0.03], strict=True)


async def keyed_windows():
    """Each key has a window of its own."""
    limits, start = KeyedSlidingWindowLimiter(1, 0.03), now()
    found = await instants(start, *(limits[n % 2].acquire() for n in range(4)))
    return zip(found, [0, 0, 0.03, 0.03], strict=True)


async def combined():
    """Two limits as one: the slower one decides, each time."""
    slow, fast = AsyncLimiter(1, 0.03), SlidingWindowLimiter(10, 0.01)
    both, start = CombinedLimiter(slow, fast), now()
    found = await instants(start, *(both.acquire() for _ in range(4)))
    return zip(found, [0, 0.03, 0.06, 0.09], strict=True)


async def promises():
    """Who needs both of two limits is not starved by those who need one."""
    one, other = AsyncLimiter(1, 0.02), AsyncLimiter(1, 0.02)
    both, start = CombinedLimiter(one, other), now()
    found = await instants(
        start,
        *(limiter.acquire() for limiter in (one, other, one, both, other, both)),
    )
    return zip(found, [0, 0, 0.02, 0.04, 0.02, 0.06], strict=True)


async def pause_and_change():
    """A pause holds everybody back, and a rate that rises wakes them earlier."""
    limiter, start = AsyncLimiter(1, 10), now()
    limiter.pause(0.02)
    waiting = asyncio.gather(limiter.acquire(0), limiter.acquire())
    await asyncio.sleep(0)
    limiter.max_rate = 1000
    await waiting
    return [(now() - start, 0.02)]


async def deadlines():
    """A wait that is too long is refused at once, or at its deadline."""
    limiter, start = AsyncLimiter(1, 0.02), now()
    await limiter.acquire()

    async def refused(max_wait):
        try:
            await limiter.acquire(max_wait=max_wait)
        except RateLimitExceeded:
            return now() - start

    at_once = await refused(0.001)
    waiting = asyncio.ensure_future(refused(0.03))
    await asyncio.sleep(0)
    limiter.pause(100)
    later = await waiting
    assert limiter.statistics().waiting == 0, "nobody is left behind"
    return [(at_once, 0), (later, 0.03)]


async def ask_again():
    """Who sleeps for `retry_after` and asks again is admitted."""
    limiter, start = AsyncLimiter(1, 0.0104), now()
    assert limiter.try_acquire()
    found = []
    for _ in range(20):
        decision = limiter.try_acquire()
        assert not decision, "nothing has leaked yet"
        await asyncio.sleep(decision.retry_after)
        assert limiter.try_acquire(), "it said when"
        found.append(now() - start)
    return [(instant, n * 0.0104) for n, instant in enumerate(found, 1)]


SCENES = [
    bucket,
    pacing,
    quick,
    window,
    keys,
    keyed_windows,
    combined,
    promises,
    pause_and_change,
    deadlines,
    ask_again,
]
