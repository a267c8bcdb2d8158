"""Clocks that a test replaces, also while a limiter goes by them."""

from __future__ import annotations

import asyncio
import time
from unittest import mock

import freezegun
import pytest
import time_machine

from aiolimiter import (
    AsyncLimiter,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    SlidingWindowLimiter,
)

from .timetable import admission

KINDS = pytest.mark.parametrize(
    "make",
    [
        AsyncLimiter,
        SlidingWindowLimiter,
        lambda *limit: KeyedLimiter(*limit)["a"],
        lambda *limit: KeyedLimiter(*limit, max_keys=9)["a"],
        lambda *limit: KeyedSlidingWindowLimiter(*limit)["a"],
        lambda *limit: KeyedSlidingWindowLimiter(*limit, max_keys=9)["a"],
    ],
    ids=["bucket", "window", "key", "quiet key", "key's window", "quiet key's window"],
)


def replace_time(loop, now):
    return mock.patch.object(loop, "time", now)


def replace_class_time(loop, now):
    return mock.patch.object(type(loop), "time", staticmethod(now))


def replace_monotonic(_, now):
    return mock.patch("time.monotonic", now)


WAYS = pytest.mark.parametrize(
    "replace", [replace_time, replace_class_time, replace_monotonic]
)


@KINDS
@WAYS
@pytest.mark.real_time
def test_a_clock_that_is_replaced_after_the_first_use(make, replace):
    """One that counts from 0 counts from there: nothing is lost, or forgiven."""
    limiter = make(2, 10)
    clock = [0.0]

    async def main():
        assert limiter.try_acquire(2)
        with replace(asyncio.get_running_loop(), lambda: clock[0]):
            found = [limiter.try_acquire()]
            for clock[0] in (9.9, 10.1, 10.1):
                found.append(limiter.try_acquire(2))
            return [decision.granted for decision in found]

    assert asyncio.run(main()) == [False, False, True, False]


@KINDS
@WAYS
@pytest.mark.real_time
def test_acquiring_by_a_clock_that_is_replaced(make, replace):
    """Who acquires after the clock has gone on need not wait for the old one."""
    limiter = make(2, 1000)

    async def main():
        await limiter.acquire(2)
        later = time.monotonic() + 1001
        with replace(asyncio.get_running_loop(), lambda: later):
            await asyncio.wait_for(limiter.acquire(2), 5)
            return limiter.has_capacity()

    assert not asyncio.run(main())


@pytest.mark.real_time
def test_who_waits_while_the_clock_is_replaced():
    """Whoever waits goes by the new clock, in the order of before."""
    limiter = AsyncLimiter(1, 100)

    async def main():
        await limiter.acquire()
        loop = asyncio.get_running_loop()
        waiting = [asyncio.create_task(admission(limiter)) for _ in range(2)]
        await asyncio.sleep(0)
        with mock.patch.object(loop, "time", return_value=time.monotonic() + 150):
            limiter.statistics()
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return [task in done for task in waiting]

    assert asyncio.run(main()) == [True, False]


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.real_time
def test_freezegun_that_leaves_asyncio_alone(before):
    """With `real_asyncio` the loop's time passes, and so does a limiter's."""
    limiter = AsyncLimiter(1, 0.02)

    async def main():
        start = time.perf_counter()
        if before:
            await limiter.acquire()
        with freezegun.freeze_time("2026-01-01", real_asyncio=True):
            for _ in range(4 - before):
                await asyncio.wait_for(limiter.acquire(), 5)
        await asyncio.wait_for(limiter.acquire(), 5)
        return time.perf_counter() - start

    assert 0.08 - 1e-6 <= asyncio.run(main()) < 4


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.real_time
def test_freezegun_that_stops_all_clocks(before):
    """Without it time stands still, and goes on by ticks."""
    limiter = AsyncLimiter(2, 10)

    async def main():
        if before:
            assert limiter.try_acquire(2)
        with freezegun.freeze_time("2026-01-01") as frozen:
            assert before or limiter.try_acquire(2)
            limiter.statistics()
            limiter.reset()
            assert limiter.try_acquire(2)
            frozen.tick(4.9)
            early = limiter.has_capacity()
            frozen.tick(0.2)
            return early, limiter.has_capacity()

    assert asyncio.run(main()) == (False, True)


@pytest.mark.real_time
def test_time_machine():
    """A traveller's date is no business of a limiter's: it waits for real."""
    limiter = AsyncLimiter(1, 0.02)

    async def main():
        start = asyncio.get_running_loop().time()
        with time_machine.travel("2040-01-01"):
            for _ in range(3):
                await asyncio.wait_for(limiter.acquire(), 5)
        return asyncio.get_running_loop().time() - start

    assert asyncio.run(main()) >= 0.04
