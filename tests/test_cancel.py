"""Every way to be cancelled, and what is given back."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from aiolimiter import AsyncLimiter, SlidingWindowLimiter

from .timetable import admission, at_the_grant, block, in_line, now, spent, until

BOTH = pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])


async def enter(limiter, amount):
    async with limiter.reserve(amount):
        return now()


async def cancel(task):
    """Cancel *task* and wait for its end."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# Before the grant.


@BOTH
@pytest.mark.parametrize("ask", [admission, enter])
async def test_before_the_grant_it_leaves_no_trace(kind, ask):
    """Who is cancelled while waiting took nothing, and waits no more."""
    limiter = await spent(kind(2, 2))
    before = limiter.statistics()
    task = asyncio.create_task(ask(limiter, 1))
    await asyncio.sleep(0)

    await cancel(task)

    assert limiter.statistics() == before


@BOTH
async def test_those_behind_move_up(kind):
    """The place of one who leaves is not kept free."""
    limiter = await spent(kind(1, 1))
    first, second, third = [await in_line(limiter) for _ in range(3)]

    await cancel(second)

    assert [await first, await third] == [1, 2]


@BOTH
async def test_the_last_one_out_stops_the_timer(kind):
    """Once everybody has left, nothing is scheduled."""
    limiter = await spent(kind(1, 1))
    tasks = [await in_line(limiter) for _ in range(3)]
    for task in tasks:
        await cancel(task)

    await asyncio.sleep(10)

    assert limiter.has_capacity()


async def test_in_the_same_tick_nobody_counts_it_any_more():
    """From the moment of the cancellation it is in nobody's way."""
    limiter = await spent(AsyncLimiter(1, 1))
    task = await in_line(limiter)

    task.cancel()

    assert limiter.statistics().waiting == 0
    assert limiter.statistics().amount_waiting == 0
    assert limiter.try_acquire().retry_after == pytest.approx(1)


async def test_max_wait_in_the_same_tick_as_a_cancellation():
    """Who comes right after a cancellation is not refused because of it."""
    limiter = await spent(AsyncLimiter(1, 1))
    task = await in_line(limiter)

    task.cancel()

    assert await admission(limiter, max_wait=1) == 1


async def test_before_its_first_step():
    """A task that is cancelled before it starts never asks."""
    limiter = AsyncLimiter(1)

    await cancel(asyncio.create_task(limiter.acquire()))

    assert limiter.has_capacity()


async def test_with_room_there_is_nothing_to_cancel():
    """Acquiring with room is no point of cancellation, as with a lock."""
    limiter = AsyncLimiter(1)
    asyncio.current_task().cancel()

    await limiter.acquire()

    assert not limiter.has_capacity()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(0)


# After the grant and before it runs.


@BOTH
@pytest.mark.parametrize("ask", [admission, enter])
async def test_after_the_grant_it_gives_back(kind, ask):
    """Who is cancelled after the grant and before it runs took nothing."""
    limiter = await spent(kind(1, 1))
    task = asyncio.create_task(ask(limiter, 1))
    await asyncio.sleep(0)

    await at_the_grant(limiter, task.cancel)

    with pytest.raises(asyncio.CancelledError):
        await task
    assert now() == 1
    assert limiter.has_capacity()


@BOTH
async def test_what_is_given_back_goes_to_the_next(kind):
    """What comes back is granted in the same breath to whoever is next."""
    limiter = await spent(kind(1, 1))
    task, following = await in_line(limiter), await in_line(limiter)

    await at_the_grant(limiter, task.cancel)

    assert await following == 1
    assert task.cancelled()


async def test_what_has_leaked_does_not_come_back():
    """Water that leaked since the grant is gone: no more than the rest returns."""
    limiter = await spent(AsyncLimiter(2, 1))
    task = await in_line(limiter, 2)

    def late():
        block(0.6)
        task.cancel()
        return limiter.statistics().level

    assert await at_the_grant(limiter, late) == pytest.approx(0.8)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert limiter.statistics().level == pytest.approx(0)


async def test_what_others_took_since_does_not_come_back():
    """Burst 2, 100/s: 4 never go at one instant, whoever is cancelled when."""
    limiter = await spent(AsyncLimiter(2, 0.02))
    task = await in_line(limiter, 2)

    def late():
        block(0.021)
        task.cancel()
        return limiter.try_acquire(2)

    assert await at_the_grant(limiter, late)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not limiter.try_acquire(0.001)


@pytest.mark.parametrize(
    ("kind", "left"), [(AsyncLimiter, 2 + 2), (SlidingWindowLimiter, 3 + 2)]
)
async def test_only_its_own_grant_comes_back(kind, left):
    """Of several granted in one wake-up, one that is cancelled returns its own."""
    limiter = await spent(kind(3, 3))
    tasks = [await in_line(limiter) for _ in range(3)]
    await asyncio.sleep(1 - 1e-6)

    limiter.max_rate = 100  # everybody fits
    tasks[1].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(result) for result in results] == [
        float,
        asyncio.CancelledError,
        float,
    ]
    assert limiter.statistics().level == pytest.approx(left, abs=1e-5)


async def test_twice():
    """Being cancelled twice gives back once."""
    limiter = await spent(AsyncLimiter(2, 2))
    task = await in_line(limiter)

    await at_the_grant(limiter, lambda: (task.cancel(), task.cancel()))

    with pytest.raises(asyncio.CancelledError):
        await task
    assert limiter.statistics().level == pytest.approx(1)


async def test_a_crowd_that_was_just_granted():
    """A crowd that is cancelled in the instant of its grant took nothing."""
    limiter = await spent(AsyncLimiter(1000, 1))
    tasks = [await in_line(limiter) for _ in range(1000)]

    limiter.max_rate = 1e6  # everybody fits
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

    assert all(task.cancelled() for task in tasks)
    assert limiter.statistics().level == 1000


# The ways asyncio cancels.


@BOTH
async def test_wait_for(kind):
    """A wait_for that times out leaves no trace."""
    limiter = await spent(kind(1, 10))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(limiter.acquire(), 9)

    assert now() == 9
    assert limiter.statistics().waiting == 0
    assert await admission(limiter) == 10


@BOTH
async def test_timeout(kind):
    """So does asyncio.timeout, around `async with` too."""
    limiter = await spent(kind(1, 10))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(9), limiter:
            pytest.fail("entered too early")

    assert limiter.statistics().waiting == 0
    assert await admission(limiter) == 10


@pytest.mark.parametrize("seconds", [9.999, 10, 10.001])
async def test_a_timeout_at_the_instant_of_the_grant(seconds):
    """Whoever wins, timeout or grant: what was not used can be had."""
    limiter = await spent(AsyncLimiter(1, 10))
    admitted = 0

    try:
        await asyncio.wait_for(limiter.acquire(), seconds)
        admitted += 1
    except TimeoutError:
        pass
    await until(10.5)

    assert bool(limiter.try_acquire()) is (not admitted)


async def test_a_task_group_that_fails():
    """A task group that is torn down takes its waiters out of the line."""
    limiter = await spent(AsyncLimiter(1, 1))

    async def fail():
        await asyncio.sleep(0.5)
        raise KeyError

    async def crowd():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            for _ in range(10):
                group.create_task(limiter.acquire())

    with pytest.raises(ExceptionGroup):
        await crowd()
    assert limiter.statistics().waiting == 0


async def test_a_coroutine_that_is_closed():
    """A coroutine that is closed while it waits leaves the line."""
    limiter = await spent(AsyncLimiter(1, 1))
    coroutine = limiter.acquire()
    coroutine.send(None)

    coroutine.close()

    assert limiter.statistics().waiting == 0


async def test_a_coroutine_that_is_closed_after_its_grant():
    """A coroutine that is closed after its grant gives back."""
    limiter = await spent(AsyncLimiter(1, 1))
    coroutine = limiter.acquire()
    coroutine.send(None)

    await at_the_grant(limiter, coroutine.close)

    assert limiter.try_acquire()


async def test_an_error_thrown_into_the_wait():
    """Any exception thrown into the wait leaves the line, not only cancellation."""
    limiter = await spent(AsyncLimiter(1, 1))
    coroutine = limiter.acquire()
    coroutine.send(None)

    with pytest.raises(KeyboardInterrupt):
        coroutine.throw(KeyboardInterrupt())

    assert limiter.statistics().waiting == 0


async def test_an_abandoned_coroutine():
    """A coroutine that is thrown away while it waits leaves the line."""
    limiter = await spent(AsyncLimiter(1, 1))
    coroutine = limiter.acquire()
    coroutine.send(None)
    gone = weakref.ref(coroutine)

    del coroutine
    gc.collect()

    assert gone() is None
    assert limiter.statistics().waiting == 0


async def test_a_shielded_wait_goes_on():
    """A wait that is shielded from a cancellation takes its turn."""
    limiter = await spent(AsyncLimiter(1, 1))
    inner = asyncio.create_task(admission(limiter))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(inner), 0.5)

    assert await inner == 1


@BOTH
async def test_all_at_once(kind):
    """10,000 that are cancelled at once leave those between them in order."""
    limiter = await spent(kind(100, 1))
    tasks = [asyncio.create_task(admission(limiter)) for _ in range(10_050)]
    await asyncio.sleep(0)

    stay = tasks[::201]
    for task in set(tasks) - set(stay):
        task.cancel()
    instants = await asyncio.gather(*stay)

    assert instants == sorted(instants)
    assert instants[-1] <= 1
    assert limiter.statistics().waiting == 0
