"""Numbers at the ends of what a float can hold: served, refused or a mistake."""

from __future__ import annotations

import asyncio
import sys

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from aiolimiter import BackendError, RateLimitExceeded
from aiolimiter.redis import RedisLimiter

from .memory import Memory, process

LEAST, MOST = 5e-324, sys.float_info.max
ENDS = [LEAST, 1e-320, 1e-308, 1e-20, 1e-6, 1.0, 1e6, 1e20, 1e300, MOST]
ALLOWED = (RateLimitExceeded, ValueError, TimeoutError)


async def use(make, rate, period, burst, amount):
    """Do everything with a limiter of such numbers, if there can be one."""
    try:
        limiter = make(rate, period, burst)
    except ValueError:
        return
    for _ in range(2):
        for act in (
            lambda: limiter.try_acquire(amount),
            lambda: limiter.acquire(amount, max_wait=1.0),
            lambda: limiter.acquire(amount, max_wait=MOST),
            lambda: limiter.has_capacity(amount),
            lambda: limiter.restrict(amount),
            lambda: limiter.pause(min(amount, 1e3)),
            limiter.statistics,
            lambda: settle(limiter, amount),
        ):
            try:
                async with asyncio.timeout(0.5):
                    await act()
            except ALLOWED:
                pass
    assert limiter._line.pump.error is None


async def settle(limiter, amount):
    """Take a little, and tell that it cost *amount*."""
    async with limiter.reserve(min(amount, limiter.burst), max_wait=0.1) as reservation:
        await reservation.settle(amount)


ends = st.sampled_from(ENDS)


@given(ends, ends, st.none() | ends, ends)
@settings(suppress_health_check=list(HealthCheck))
@example(LEAST, 1e20, None, LEAST)
@example(1e-320, 1.0, None, 1e-320)
@example(1.0, 1.0, MOST, MOST)
@example(MOST, LEAST, None, LEAST)
@example(1e-308, 1e6, MOST, 1e300)
async def test_the_ends_of_float_are_served_or_refused(rate, period, burst, amount):
    """No such number leaks an error of arithmetic, or makes the store away."""
    store = Memory()
    await use(
        lambda r, p, b: process(store, r, p, burst=b), rate, period, burst, amount
    )


@pytest.mark.parametrize(
    ("numbers", "burst"),
    [((LEAST, 1e20), None), ((1e-320, 1.0), None), ((1.0, 1.0), 1e301)],
)
def test_what_no_store_can_count_is_refused_when_it_is_made(numbers, burst):
    """A limit that a store can't count is a mistake, with a way out."""
    with pytest.raises(ValueError, match=r"nearer to it$|use other units$"):
        process(Memory(), *numbers, burst=burst)


@pytest.mark.real_time
@pytest.mark.parametrize(
    "numbers",
    [
        (1.0, 1.0, None, LEAST),
        (1e-290, 1e6, None, 1e-290),
        (1e300, 1.0, 1e300, MOST),
        (1e300, 1.0, None, LEAST),
        (1.0, 1e9, None, 1.0),
    ],
)
async def test_the_ends_of_float_on_a_real_server(client, name, numbers):
    """The script takes such numbers too, and nobody believes that it is away."""
    rate, period, burst, amount = numbers
    limiter = RedisLimiter(client, name, rate, period, burst=burst)
    await use(lambda *_: limiter, rate, period, burst, amount)
    with pytest.raises((ValueError, RateLimitExceeded, BackendError)):
        await limiter.acquire(MOST, max_wait=0.0)
