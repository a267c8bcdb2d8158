"""Starting anew: reset, and the bound of a pause."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from aiolimiter import AsyncLimiter, RateLimitExceeded, SlidingWindowLimiter

from .timetable import admission, admissions, in_line, spent

BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])


@BOTH
async def test_a_reset_limiter_is_as_good_as_new(kind):
    """After a reset all of the limit can be had at once, and not more."""
    limiter = await spent(kind(4, 8))
    limiter.restrict(0)

    limiter.reset()

    assert limiter.statistics() == kind(4, 8).statistics()
    assert limiter.try_acquire(4)
    assert not limiter.try_acquire()


@BOTH
async def test_a_reset_ends_a_pause(kind):
    """A pause by mistake is over at once."""
    limiter = kind(4, 8)
    limiter.pause(1000)

    limiter.reset()
    limiter.max_rate = 5

    assert await admissions(limiter, [0] * 4) == [0] * 4


@BOTH
async def test_who_waits_goes_on_in_the_breath_of_the_reset(kind):
    """Those who wait when a limiter is reset are granted in that instant."""
    limiter = await spent(kind(2, 8))
    waiting = [await in_line(limiter) for _ in range(3)]
    await asyncio.sleep(1)

    limiter.reset()
    await asyncio.sleep(0)

    assert [task.done() for task in waiting] == [True, True, False]
    assert await waiting[2] > 1


@BOTH
async def test_what_was_reserved_before_a_reset_gives_nothing_back(kind):
    """Settling for less after a reset frees nothing of what was taken since."""
    limiter = kind(4, 8)
    async with limiter.reserve(3) as reservation:
        limiter.reset()
        await limiter.acquire(4)
        reservation.settle(0)

    assert limiter.statistics().available == 0


@BOTH
async def test_what_cost_more_is_booked_after_a_reset(kind):
    """Settling for more after a reset books the difference."""
    limiter = kind(4, 8)
    async with limiter.reserve(3) as reservation:
        limiter.reset()
        reservation.settle(5)

    assert limiter.statistics().level == 2


@BOTH
async def test_a_grant_of_before_a_reset_gives_nothing_back_when_cancelled(kind):
    """One granted before the reset and cancelled before it runs frees nothing."""
    limiter = await spent(kind(1, 8))
    waiting = await in_line(limiter)
    limiter.reset()

    limiter.reset()
    await limiter.acquire()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert limiter.statistics().available == 0


@BOTH
async def test_who_was_hopeless_before_a_reset_is_counted_after_it(kind):
    """A newcomer is refused for those whom the reset has made hopeful again."""
    limiter = await spent(kind(2, 8))
    waiting = [await in_line(limiter, 2, max_wait=24) for _ in range(3)]
    limiter.pause(50)
    with pytest.raises(RateLimitExceeded):
        await limiter.acquire(2, max_wait=10)

    limiter.reset()
    with pytest.raises(RateLimitExceeded):
        await limiter.acquire(2, max_wait=10)

    assert await asyncio.gather(*waiting) == [0, 8, 16]


@BOTH
async def test_a_reset_forgets_the_word_of_a_server(kind):
    """After a reset a restriction counts from nothing."""
    limiter = kind(4, 8)
    async with limiter.reserve(2) as reservation:
        limiter.restrict(1)
        limiter.reset()
        limiter.restrict(1)
        reservation.settle(0)

    assert limiter.statistics().available == 1


@BOTH
async def test_no_pause_is_longer_than_max_pause(kind):
    """A pause by mistake is cut to an hour, or to what max_pause says."""
    limiter = kind(4, 8)
    assert limiter.max_pause == 3600

    limiter.pause(1e12)
    first = limiter.try_acquire(0).retry_after
    limiter.reset()
    limiter.max_pause = 10
    limiter.pause(1e300)

    assert first == pytest.approx(3600)
    assert await admission(limiter, 0) == 10


@BOTH
async def test_a_longest_pause_may_be_without_end(kind):
    """With max_pause=inf a pause is as long as it is said to be."""
    limiter = kind(4, 8)
    limiter.max_pause = inf

    limiter.pause(10_000)

    assert await admission(limiter, 0) == 10_000


@BOTH
@pytest.mark.parametrize("wrong", [0, -1, float("nan")])
async def test_a_longest_pause_is_above_0(kind, wrong):
    """What is no number above 0 is refused, and nothing is changed."""
    limiter = kind(4, 8)

    with pytest.raises(
        ValueError, match=r"^max_pause must be above 0 \(math.inf for no limit\), got"
    ):
        limiter.max_pause = wrong

    assert limiter.max_pause == 3600
