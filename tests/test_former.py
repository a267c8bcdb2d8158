"""The private names of aiolimiter 1.x, that many programs read and set."""

from __future__ import annotations

import asyncio

import pytest

from aiolimiter import AsyncLimiter

from .timetable import admissions, in_line, now, spent

WARNS = {
    name: rf"^{name} is private to aiolimiter 1\.x: use "
    for name in ("_level", "_rate_per_sec", "_last_check")
}


def level(limiter):
    return limiter.statistics().level


async def test_level_is_the_level():
    """`_level` is how much is in the bucket by now."""
    limiter = AsyncLimiter(10, 10)
    await limiter.acquire(4)
    await asyncio.sleep(1)

    assert limiter._level == pytest.approx(3)


@pytest.mark.parametrize("value", [0, 3, 7.5, 10, 12])
async def test_setting_the_level(value):
    """Setting `_level` fills the bucket, or empties it, and warns."""
    limiter = AsyncLimiter(10, 10)
    await limiter.acquire(5)
    with pytest.warns(DeprecationWarning, match=WARNS["_level"]):
        limiter._level = value

    assert level(limiter) == value


async def test_setting_the_level_is_seen_by_who_waits():
    """Whoever waits goes when the level is set low enough, in the same breath."""
    limiter = await spent(AsyncLimiter(10, 10))
    waiting = await in_line(limiter, 5)
    with pytest.warns(DeprecationWarning, match=WARNS["_level"]):
        limiter._level -= 4
    await asyncio.sleep(0)
    assert not waiting.done()
    with pytest.warns(DeprecationWarning, match=WARNS["_level"]):
        limiter._level -= 1

    assert await waiting == 0


async def test_setting_the_level_does_not_end_a_pause():
    """A pause goes on; what is left of it is what the level was set to."""
    limiter = AsyncLimiter(10, 10)
    limiter.pause(5)
    with pytest.warns(DeprecationWarning, match=WARNS["_level"]):
        limiter._level = 0

    assert limiter.try_acquire().retry_after == pytest.approx(6)


async def test_a_level_without_a_limit():
    """Where there is no limit the level is 0, and stays so."""
    limiter = AsyncLimiter(float("inf"))
    with pytest.warns(DeprecationWarning, match=WARNS["_level"]):
        limiter._level = 5

    assert limiter._level == 0


@pytest.mark.parametrize("name", ["_level", "_rate_per_sec"])
async def test_what_can_not_be(name):
    """A number that can't be is refused, and changes nothing."""
    limiter = AsyncLimiter(10, 5)
    with (
        pytest.warns(DeprecationWarning, match=WARNS[name]),
        pytest.raises(ValueError, match=f"^{name} must be "),
    ):
        setattr(limiter, name, -1)

    assert (limiter._level, limiter._rate_per_sec) == (0, 2)


async def test_setting_the_rate_per_second():
    """Setting `_rate_per_sec` changes how it leaks, and none of the other numbers."""
    limiter = await spent(AsyncLimiter(10, 10))
    waiting = asyncio.create_task(admissions(limiter, [0] * 4))
    await asyncio.sleep(0)
    with pytest.warns(DeprecationWarning, match=WARNS["_rate_per_sec"]):
        limiter._rate_per_sec *= 2

    assert await waiting == pytest.approx([0.5, 1, 1.5, 2])
    assert limiter._rate_per_sec == 2
    assert (limiter.max_rate, limiter.time_period, limiter.burst) == (10, 10, 10)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_a_rate_that_is_told_in_all_ways(order):
    """Whoever sets all three numbers, in any order, gets that rate."""
    limiter = AsyncLimiter(10, 10)
    told = [("max_rate", 6), ("time_period", 2), ("_rate_per_sec", 3)]

    def tell():
        for which in order:
            setattr(limiter, *told[which])

    with pytest.warns(DeprecationWarning, match=WARNS["_rate_per_sec"]):
        tell()

    assert (limiter._rate_per_sec, limiter.max_rate, limiter.time_period) == (3, 6, 2)


async def test_loop_and_clock():
    """`_loop` is the running loop, and `_last_check` its time."""
    limiter = AsyncLimiter(10)
    await asyncio.sleep(3)

    assert limiter._loop is asyncio.get_running_loop()
    assert limiter._last_check == now()
    with pytest.warns(DeprecationWarning, match=WARNS["_last_check"]):
        limiter._last_check = 0.0
    assert limiter._last_check == now()


async def test_leaking_and_waking_are_done_already():
    """`_leak` and `_wake_next` change nothing: the level is that of now."""
    limiter = await spent(AsyncLimiter(10, 10))
    waiting = await in_line(limiter)
    limiter._leak()
    limiter._loop.call_soon(limiter._wake_next)
    limiter._wake_next(None)

    assert await waiting == 1
    limiter._wake_next()
    assert level(limiter) == pytest.approx(10)
