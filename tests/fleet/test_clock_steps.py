"""The store's clock steps back after a pause, a restriction or a reset."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from aiolimiter.redis import RedisLimiter

from . import engine
from .memory import Memory, process
from .stored import stepped

VERBS = {
    "pause": lambda limiter: limiter.pause(0.1),
    "restrict": lambda limiter: limiter.restrict(0),
    "reset": lambda limiter: limiter.reset(),
}


async def granted(limiters, seconds):
    """How many of twenty requests each are granted in time."""
    waiting = [
        asyncio.create_task(limiter.acquire())
        for limiter in limiters
        for _ in range(20)
    ]
    done, late = await asyncio.wait(waiting, timeout=seconds)
    for task in late:
        task.cancel()
    # What they give back goes to the store.
    await asyncio.sleep(0.2)
    return len(done)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("step", [5, 3600])
@pytest.mark.parametrize("count", [1, 2])
async def test_a_clock_that_steps_back_after_a_pause_stalls_nobody(verb, step, count):
    """At 5/s the rate goes on, whatever was raised before the step."""
    store = Memory(0.001)
    limiters = [process(store, 5, burst=1) for _ in range(count)]
    await asyncio.gather(*(limiter.acquire() for limiter in limiters))
    await VERBS[verb](limiters[0])
    store.ahead -= step

    assert await granted(limiters, 4.3) >= 20


@pytest.mark.parametrize("step", [5, 3600])
async def test_a_clock_that_steps_back_while_they_wait_stalls_nobody(step):
    """Who was waiting, and who is booked, goes on after the step."""
    store = Memory(0.001)
    limiters = [process(store, 5, burst=1) for _ in range(2)]
    waiting = asyncio.create_task(granted(limiters, 6.3))
    await asyncio.sleep(1)
    await limiters[0].pause(0.5)
    await asyncio.sleep(0.3)
    store.ahead -= step

    assert await waiting >= 25


@pytest.mark.real_time
@pytest.mark.parametrize("step", [5, 3600])
async def test_a_servers_clock_that_steps_back_after_a_pause(own, name, step):
    """On a real server: its key as it looks after the clock has stepped back."""
    async with Redis(unix_socket_path=str(own.socket)) as client:
        limiter = RedisLimiter(client, name, 5, 1, burst=1)
        await limiter.pause(0.01)
        with engine.admin(own) as by_hand:
            (key,) = by_hand.keys("*")
            by_hand.set(key, stepped(by_hand.get(key), step), ex=7200)

        assert await granted([limiter], 2.5) >= 10
