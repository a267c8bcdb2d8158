"""What users of aiolimiter 1.x rely on."""

from __future__ import annotations

import asyncio
import contextlib
import inspect

import pytest

from aiolimiter import AsyncLimiter

from .timetable import admissions, now, spent


async def test_the_period_is_a_minute():
    """AsyncLimiter(100) admits 100 in 60 seconds."""
    limiter = AsyncLimiter(100)

    assert (limiter.max_rate, limiter.time_period) == (100, 60)
    assert await admissions(limiter, [0] * 102) == [0] * 100 + [0.6, 1.2]


async def test_four_in_eight_seconds():
    """Four go at once, then one each two seconds, however fast they come."""
    arrivals = [n * 0.01 for n in range(10)]

    assert await admissions(AsyncLimiter(4, 8), arrivals) == pytest.approx(
        [0.00, 0.01, 0.02, 0.03, 2, 4, 6, 8, 10, 12]
    )


async def test_one_in_one_and_a_half_seconds():
    """A bucket of one paces evenly."""
    assert await admissions(AsyncLimiter(1, 1.5), [0] * 5) == [0, 1.5, 3, 4.5, 6]


async def test_the_burst_is_max_rate():
    """An unused limiter admits max_rate at one instant, and not one more."""
    assert await admissions(AsyncLimiter(3, 3), [9, 9, 9, 9]) == [9, 9, 9, 10]


@pytest.mark.parametrize("amount", [0.25, 1, 2.5, 10])
async def test_any_amount_up_to_max_rate(amount):
    """Amounts may be fractions, up to the whole bucket."""
    limiter = AsyncLimiter(10, 5)

    await limiter.acquire(amount)

    assert limiter.statistics().level == amount


async def test_amounts_leak_in_proportion():
    """An amount of 5 waits five times as long as an amount of 1."""
    one, five = await spent(AsyncLimiter(10, 5)), await spent(AsyncLimiter(10, 5))

    assert await admissions(one, [(0, 1)]) == [0.5]
    assert await admissions(five, [(0.5, 5)]) == [2.5]


async def test_more_than_max_rate_never_fits():
    """Asking for more than the bucket holds is an error, not a wait."""
    with pytest.raises(ValueError, match=r"^can't acquire 11: "):
        await AsyncLimiter(10).acquire(11)


async def test_has_capacity_takes_nothing():
    """has_capacity only looks."""
    limiter = AsyncLimiter(1)

    assert limiter.has_capacity()
    assert limiter.has_capacity()


@pytest.mark.parametrize(
    ("at", "half", "one"),
    [(0, False, False), (1, True, False), (1.5, True, False), (2, True, True)],
)
async def test_has_capacity_of_a_fraction(at, half, one):
    """has_capacity knows fractions: half a unit fits in half the time."""
    limiter = await spent(AsyncLimiter(4, 8))

    await asyncio.sleep(at)

    assert (limiter.has_capacity(0.5), limiter.has_capacity()) == (half, one)


async def test_has_capacity_of_what_never_fits():
    """More than the limiter holds is no error to has_capacity: it never fits."""
    assert not AsyncLimiter(10).has_capacity(11)


async def test_small_ones_may_pass():
    """At the limit a small request may go before a large one that came first."""
    limiter = await spent(AsyncLimiter(10, 10))

    large, small = await admissions(limiter, [(0, 10), (1, 1)])

    assert (small, large) == (1, 11)


async def test_acquire_returns_none():
    """Acquire returns None, whether it waits or not."""
    limiter = AsyncLimiter(1, 1)

    assert [await limiter.acquire(), await limiter.acquire()] == [None, None]


async def test_acquire_is_a_coroutine():
    """What acquire returns is a coroutine, so tasks can be made of it."""
    assert inspect.iscoroutinefunction(AsyncLimiter.acquire)

    await asyncio.create_task(AsyncLimiter(1).acquire())


async def test_acquire_under_wait_for():
    """wait_for stops a wait that is too long."""
    limiter = await spent(AsyncLimiter(1, 10))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(limiter.acquire(), 9)
    await asyncio.wait_for(limiter.acquire(), 1.5)

    assert now() == 10


async def test_acquire_under_gather():
    """Gather runs as many as it is given."""
    limiter = AsyncLimiter(2, 2)

    await asyncio.gather(*(limiter.acquire() for _ in range(5)))

    assert now() == 3


async def test_async_with_gives_nothing():
    """`async with limiter as x` binds None."""
    limiter = AsyncLimiter(1, 1)

    async with limiter as with_room:
        pass
    async with limiter as after_waiting:
        pass

    assert (with_room, after_waiting) == (None, None)


async def test_async_with_by_many_tasks_at_once():
    """Any number of tasks may be inside `async with limiter` at once."""
    limiter, inside = AsyncLimiter(2, 2), []

    async def visit():
        async with limiter:
            inside.append(now())
            await asyncio.sleep(100)

    await asyncio.gather(*(visit() for _ in range(4)))

    assert inside == [0, 0, 1, 2]


async def test_leaving_gives_nothing_back():
    """Leaving the block frees no room: only time does."""
    limiter = AsyncLimiter(1, 10)

    async with limiter:
        pass

    assert not limiter.has_capacity()


async def test_errors_pass_through():
    """An error in the block leaves it as it is."""
    with pytest.raises(KeyError):
        async with AsyncLimiter(1):
            raise KeyError


async def test_async_exit_stack():
    """A limiter can be entered by an AsyncExitStack, also twice."""
    limiter = AsyncLimiter(1, 3)

    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(limiter)
        await stack.enter_async_context(limiter)

    assert now() == 3


async def test_repr_tells_the_state():
    """The repr names the rate, the level and how many wait."""
    limiter = AsyncLimiter(4, 8)
    await limiter.acquire(2.5)

    assert repr(limiter) == "<AsyncLimiter(4, 8) level=2.5 waiting=0>"


async def test_repr_tells_a_burst_of_its_own():
    """The repr names the burst once it is no longer max_rate."""
    limiter = AsyncLimiter(4, 8, burst=1)

    assert repr(limiter) == "<AsyncLimiter(4, 8, burst=1) level=0 waiting=0>"
