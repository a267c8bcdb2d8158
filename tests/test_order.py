"""Who goes first: arrival plus the time the own amount takes to leak."""

from __future__ import annotations

import asyncio

import pytest

from aiolimiter import AsyncLimiter

from .timetable import admission, admissions, in_line, now, spent, until


async def test_equal_amounts_go_first_come_first_served():
    """Equal amounts are admitted in the order they came, at the rate."""
    limiter = await spent(AsyncLimiter(2, 1))

    assert await admissions(limiter, [0, 0.1, 0.2, 0.3]) == [0.5, 1.0, 1.5, 2.0]


async def test_one_tick_is_an_order_too():
    """Requests of one instant and one amount go in the order they were made."""
    limiter, order = await spent(AsyncLimiter(10, 1)), []

    async def named(name):
        await limiter.acquire()
        order.append(name)

    await asyncio.gather(*(named(name) for name in range(30)))

    assert order == list(range(30))


async def test_a_small_one_passes_a_large_one_that_has_just_come():
    """A small request passes a larger one within the larger one's leaking time."""
    limiter = await spent(AsyncLimiter(10, 10))

    # The large one's place is 0 + 5 s, those of the others 2 + 1 and 3.5 + 1.
    assert await admissions(limiter, [(0, 5), (2, 1), (3.5, 1)]) == [7, 2, 3.5]


@pytest.mark.parametrize(
    ("arrival", "large", "small"),
    [
        (3.9, 6, 3.9),  # its place, 4.9 s, is before the large one's
        (4.0, 5, 6),  # the same place: first come, first served
        (4.1, 5, 6),
    ],
)
async def test_until_the_large_one_s_leaking_time_is_over(arrival, large, small):
    """Only who comes early enough may pass: at the same place, the first goes."""
    limiter = await spent(AsyncLimiter(10, 10))

    assert await admissions(limiter, [(0, 5), (arrival, 1)]) == [
        pytest.approx(large),
        pytest.approx(small),
    ]


async def test_at_the_same_place_the_first_goes_whoever_is_behind():
    """Of two with the same place the first goes, also when others stand behind."""
    limiter = await spent(AsyncLimiter(10, 10))

    # The places of the first and of the last are at 5 s.
    assert await admissions(limiter, [(0, 5), (0, 10), (4, 1)]) == [5, 16, 6]


async def test_a_large_one_never_starves():
    """acquire(10) is admitted within 2.2 s while three tasks loop on acquire(1)."""
    limiter = AsyncLimiter(10, 1)

    async def loop():
        while True:
            await limiter.acquire(1)

    greedy = [asyncio.create_task(loop()) for _ in range(3)]
    await asyncio.sleep(1)
    start = now()
    large = await admission(limiter, 10) - start
    for task in greedy:
        task.cancel()

    assert large <= 2.2


async def test_who_may_not_pass_waits_even_if_it_would_fit():
    """A newcomer that may not pass waits, though there is room for it."""
    limiter = AsyncLimiter(10, 10)
    await limiter.acquire(6)
    large = await in_line(limiter, 9)  # due in 5 s; its place is at 9 s
    await until(4)

    assert limiter.has_capacity(1)
    small = await in_line(limiter, 6)  # its place is at 10 s

    assert await large == 5
    assert await small == 11


async def test_try_acquire_does_not_pass_either():
    """try_acquire keeps the order: it is refused where acquire would wait."""
    limiter = AsyncLimiter(10, 10)
    await limiter.acquire(6)
    large = await in_line(limiter, 9)
    await until(4)

    assert limiter.has_capacity(6)
    assert not limiter.try_acquire(6)
    assert limiter.try_acquire(1)

    await large


async def test_async_with_does_not_pass_either():
    """`async with` keeps the order too."""
    limiter = AsyncLimiter(2, 2)
    await limiter.acquire(1)
    large = await in_line(limiter, 2)  # due at 1, its place is at 2
    await until(0.999)

    async with limiter:
        first = now()

    assert first == 0.999
    assert await large == 2


async def test_nothing_goes_at_once():
    """An amount of 0 has the place it arrives at, so it waits for nobody."""
    limiter = await spent(AsyncLimiter(10, 10))
    waiting = await in_line(limiter)

    assert await admission(limiter, 0) == 0

    await waiting


async def test_nothing_waits_for_those_whose_time_has_come():
    """An amount of 0 does not pass one whose own leaking time is over."""
    limiter = await spent(AsyncLimiter(10, 10))
    first, second = await in_line(limiter), await in_line(limiter)
    await until(1.5)

    assert first.done()
    assert await admission(limiter, 0) == 2
    assert await second == 2


async def test_everyone_due_goes_in_one_wake_up():
    """Those who are due at one instant are admitted at it, together."""
    limiter = await spent(AsyncLimiter(10, 10))
    large, *small = await admissions(limiter, [(0, 9), (0, 0.5), (0, 0.5), (0, 0)])

    assert (large, small) == (10, [0.5, 1, 0])


async def test_a_wait_is_its_place_s():
    """A wait is (level + all ahead + own - burst) / rate."""
    limiter = AsyncLimiter(10, 5)
    await limiter.acquire(9)

    # (9 + 2 + 3 + 4 - 10) / 2 = 4, of amounts that may not pass each other.
    assert await admissions(limiter, [(0, 2), (0, 3), (0, 4)]) == [0.5, 2, 4]


async def test_passing_ends_with_one_s_own_leaking_time():
    """What passes a request can grow its wait by at most its own leaking time."""
    limiter = await spent(AsyncLimiter(10, 10))
    stream = [(n / 100, 0.1) for n in range(2000)]  # ten times the rate

    large, *_ = await admissions(limiter, [(0, 5), *stream])

    # Alone it would wait for 5 s.  4.9 s long, 0.1 each 0.01 s may go first.
    assert large == pytest.approx(5 + 49, rel=0.01)


async def test_a_rate_change_orders_anew():
    """With another rate the places are found anew, and with them the order."""
    limiter = await spent(AsyncLimiter(10, 10))
    large = await in_line(limiter, 4)  # its place is at 4
    await until(3.5)
    small = await in_line(limiter, 1)  # its place is at 4.5

    limiter.time_period = 100  # now the places are 40 and 13.5

    # 3.5 have leaked, so 1 fits at once; for 4 more, 1.5 must leak at 0.1/s.
    assert await small == 3.5
    assert await large == pytest.approx(3.5 + 15)


async def test_a_cancelled_one_holds_up_nobody():
    """When the first in line leaves, the next is looked at at once."""
    limiter = AsyncLimiter(10, 10)
    await limiter.acquire(6)
    large = await in_line(limiter, 10)
    await until(3)
    small = await in_line(limiter, 7)  # fits now; its place is just as late
    await asyncio.sleep(0)
    large.cancel()

    assert await small == 3
