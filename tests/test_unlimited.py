"""max_rate=math.inf: a limiter that never limits, with the same face."""

from __future__ import annotations

import math
import re
import sys

import pytest

from aiolimiter import (
    AsyncLimiter,
    Decision,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
    SlidingWindowLimiter,
)

from .timetable import admissions, now

BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])


@BOTH
@pytest.mark.parametrize("amount", [0, 1, 1e9, 1e300, sys.float_info.max])
async def test_nobody_waits(kind, amount):
    """Any amount is admitted at once, again and again."""
    limiter = kind(math.inf)

    assert await admissions(limiter, [(0, amount)] * 10) == [0] * 10
    assert limiter.try_acquire(amount)
    assert limiter.has_capacity(amount)


@BOTH
async def test_all_verbs(kind):
    """The face is the same: async with, reserve, the decorator."""
    limiter = kind(math.inf)

    async with limiter, limiter.reserve(1e6) as reservation:
        reservation.settle(1e9)

    @limiter
    async def call():
        return 1

    assert await call() == 1
    assert now() == 0


@BOTH
async def test_pause_and_restrict_do_nothing(kind):
    """Without a limit there is nothing to pause or to restrict."""
    limiter = kind(math.inf)

    limiter.pause(100)
    limiter.restrict(0)

    await limiter.acquire(1e6, max_wait=0)
    assert now() == 0


@BOTH
async def test_settling_down(kind):
    """Settling for less leaves no limit."""
    limiter = kind(math.inf)

    async with limiter.reserve(10) as reservation:
        reservation.settle(3)

    assert limiter.try_acquire(1e9)


@BOTH
def test_all_is_available(kind):
    """Statistics and decisions tell that there is no end."""
    limiter = kind(math.inf)

    assert limiter.try_acquire(5) == Decision(
        granted=True, retry_after=0.0, remaining=math.inf
    )
    assert limiter.statistics().available == math.inf
    assert limiter.statistics().waiting == 0
    assert limiter.statistics().seconds_to_next is None


@pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])
def test_its_repr(kind):
    """The repr names the infinite rate."""
    assert re.fullmatch(
        rf"<{kind.__name__}\(inf, 60\) level=0 waiting=0>", repr(kind(math.inf))
    )


async def test_the_burst_is_infinite():
    """The burst follows max_rate, here too."""
    assert AsyncLimiter(math.inf).burst == math.inf


@BOTH
async def test_a_limit_may_be_set_later(kind):
    """A limit that is set later starts fresh: nothing is owed."""
    limiter = kind(math.inf, 1)
    await limiter.acquire(1e6)
    limiter.pause(100)

    limiter.max_rate = 2

    assert await admissions(limiter, [0, 0, 0]) == pytest.approx(
        [0, 0, 0.5 if kind is AsyncLimiter else 1]
    )


@BOTH
async def test_lifting_the_limit_lifts_a_pause(kind):
    """Whoever lifts the limit has the pause no longer either."""
    limiter = kind(2, 1)
    limiter.pause(10)

    limiter.max_rate = math.inf

    await limiter.acquire(max_wait=0)
    assert now() == 0


@BOTH
async def test_a_limit_that_comes_back_knows_of_no_pause(kind):
    """A pause that was lifted with the limit does not come back with it."""
    limiter = kind(2, 1)
    limiter.pause(10)

    limiter.max_rate = math.inf
    limiter.max_rate = 2

    assert await admissions(limiter, [0, 0]) == [0, 0]


@BOTH
async def test_what_was_taken_before_does_not_come_back(kind):
    """Who settles after the limit was lifted gives nothing back to the next one."""
    limiter = kind(10, 10)

    async with limiter.reserve(5) as reservation:
        limiter.max_rate = math.inf
        limiter.max_rate = 10
        reservation.settle(0)

    assert await admissions(limiter, [(0, 10), (0, 1)]) == pytest.approx(
        [0, 1 if kind is AsyncLimiter else 10]
    )


EACH = pytest.mark.parametrize(
    "make",
    [
        AsyncLimiter,
        SlidingWindowLimiter,
        lambda rate: KeyedLimiter(rate)["a"],
        lambda rate: KeyedSlidingWindowLimiter(rate)["a"],
        lambda rate: KeyedLimiter(rate, max_keys=2)["a"],
        lambda rate: KeyedSlidingWindowLimiter(rate, max_keys=2)["a"],
    ],
)


@EACH
async def test_an_infinite_amount_is_none(make):
    """What is infinite is no amount, also where there is no limit."""
    limiter = make(math.inf)

    with pytest.raises(ValueError, match=r"^amount must be finite, got inf$"):
        limiter.try_acquire(math.inf)
    with pytest.raises(ValueError, match=r"^amount must be finite, got inf$"):
        await limiter.acquire(math.inf)

    assert limiter.statistics().level == 0


@pytest.mark.parametrize("amount", [6, 6.0])
async def test_a_burst_that_was_given_still_counts(amount):
    """No more than the burst is admitted at a time, and any number of those."""
    limiter = AsyncLimiter(math.inf, burst=5)

    with pytest.raises(ValueError, match=r"^can't acquire 6: .* at most 5;"):
        limiter.try_acquire(amount)
    with pytest.raises(ValueError, match=r"^can't acquire 6: .* at most 5;"):
        await limiter.acquire(amount)

    assert await admissions(limiter, [(0, 5.0)] * 10) == [0] * 10
    assert limiter.try_acquire(5.0)
