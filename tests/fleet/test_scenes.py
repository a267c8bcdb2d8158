"""
What broke fleets outside, on every store that keeps a limit.

The arithmetic of each is held to in virtual time; here it is the store's own.
No stall of the machine breaks one of these: what takes longer leaks more.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

import pytest
from redis.asyncio import Redis

from aiolimiter.redis import RedisLimiter

pytestmark = pytest.mark.real_time


async def test_what_is_settled_late_comes_back_though_others_poured(share):
    """What others took meanwhile has not leaked, and is not charged as if it had."""
    ours, other = share(100, 1), share(100, 1)
    async with ours.reserve(40) as reservation:
        await other.acquire(60)
        await asyncio.sleep(0.2)
        # As much as has leaked: the bucket never ran low.
        await other.acquire(20)
        await reservation.settle(5)

    # 35 came back; charged all that the rate leaked in 0.2 s, 15 would have.
    assert await other.try_acquire(30)


async def test_what_was_given_up_on_its_way_does_not_lapse(any_client, name):
    """A thousand cancelled under way, and a newcomer before it all went back."""
    limiter = RedisLimiter(any_client, name, 10, 1, burst=2000)
    tasks = [asyncio.create_task(limiter.acquire()) for _ in range(1000)]
    start = time.monotonic()
    async with asyncio.timeout(10):
        while not limiter._line.pump.under_way:
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await limiter.acquire(2)
    # A breath later the rest goes back.
    await asyncio.sleep(0.1)
    level = (await limiter.statistics()).level

    assert level <= 2 + 10 * (time.monotonic() - start)


@pytest.mark.parametrize("steps", range(8))
async def test_all_who_wait_are_cancelled_in_any_tick(share, steps):
    """Whatever was under way, the next one is served, and the next after a refusal."""
    limiter = share(50, 1)
    await limiter.acquire(50)
    tasks = [asyncio.create_task(limiter.acquire()) for _ in range(20)]
    for _ in range(steps):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    async with asyncio.timeout(10):
        await limiter.acquire()
        await limiter.try_acquire()
        await limiter.acquire()


@pytest.mark.parametrize("longest", [sys.float_info.max, 1e305])
async def test_the_longest_wait_there_is_hangs_nobody(share, longest):
    """A longest wait at the end of what a float can hold is one without end."""
    limiter = share(50, 1)
    await limiter.acquire(50, max_wait=longest)
    async with asyncio.timeout(10):
        await limiter.acquire(2, max_wait=longest)
        await limiter.acquire(1)


async def test_two_configurations_are_rolled_out(share):
    """While processes of both kinds book, all go by the stricter one."""
    old, new = share(5, 3600), share(50, 3600)
    await old.acquire(1)
    left = (await new.try_acquire(3)).remaining

    assert left == pytest.approx(1, abs=0.1)
    assert not await new.try_acquire(2)
    assert await old.try_acquire(1)


async def test_several_rates_are_changed_to_others(any_client, name):
    """What was put off for the slow rate is not owed at the next ones."""
    rates = [(20, 1), (20, 100)]
    ours, other = (RedisLimiter(any_client, name, rates) for _ in range(2))
    await ours.acquire(20)
    # Put off for 50 s: of the fast rate that is a thousand.
    waiting = asyncio.create_task(other.acquire(10))
    await asyncio.sleep(0.1)
    await ours.change(max_rate=[(20, 1), (30, 2)])
    # It hears of it when it asks, at the latest after 5 s.
    await other.statistics()
    async with asyncio.timeout(20):
        await waiting
    now = await ours.statistics()

    assert (now.max_rate, now.time_period) == (20, 1)


async def test_who_waits_for_a_local_share_returns_when_the_server_does(own, name):
    """Sixty at a share of one a second are a minute; with the server back, a moment."""
    async with Redis(unix_socket_path=str(own.socket)) as client:
        local = {"on_error": "local", "share": 0.001, "timeout": 0.3}
        limiter = RedisLimiter(client, name, 1000, 1, **local)
        await limiter.acquire()
        own.kill()
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(60)]
        await asyncio.sleep(0.3)
        done = sum(task.done() for task in waiting)
        own.start()
        async with asyncio.timeout(20):
            await asyncio.gather(*waiting)

    assert done < 60


async def test_a_fleet_that_was_let_go_keeps_to_the_rate_again(own, client_of, name):
    """Four processes at shares of 10 a second: with the server back, 40 and not 80."""
    clock, admitted = time.monotonic, []
    async with contextlib.AsyncExitStack() as stack:
        limiters = []
        for _ in range(4):
            client = await stack.enter_async_context(client_of(own))
            local = {"on_error": "local", "share": 0.25, "timeout": 0.3}
            limiters.append(RedisLimiter(client, name, 40, 1, **local))

        async def take(limiter):
            while True:
                await limiter.acquire()
                admitted.append(clock())

        await asyncio.gather(*(limiter.acquire(5) for limiter in limiters))
        tasks = [asyncio.create_task(take(one)) for one in limiters for _ in range(25)]
        await asyncio.sleep(0.5)
        own.kill()
        await asyncio.sleep(1.0)
        own.start()
        # By then every probe has found it.
        await asyncio.sleep(2.5)
        back = clock()
        await asyncio.sleep(3.0)
        late = [at for at in admitted if at >= back]
        took = clock() - back
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Of each at most what it has booked ahead.
    assert 0.8 * 40 * took < len(late) <= 40 * (took + 0.1) + 4
