"""How often a process asks whether what it is booked for, far ahead, has moved up."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest
from redis.asyncio import Redis

from aiolimiter._shell.shared import looking
from aiolimiter.redis import RedisKeyedLimiter

from . import engine
from .memory import Memory, process


@pytest.fixture(autouse=True)
def _nobody_else():
    # Lines of other tests' loops may still be there.
    looking._far.clear()


async def test_a_far_booking_is_looked_at_as_its_distance_warrants():
    """At one in 30 s an admission costs a dozen calls, not sixty; nobody is early."""
    store = Memory(0.001)
    limiter = process(store, 1, 30)
    await limiter.acquire()
    for place in range(1, 4):
        before = len(store.requests)
        await limiter.acquire()
        assert asyncio.get_running_loop().time() == pytest.approx(30 * place, abs=0.1)
        assert len(store.requests) - before <= 15
    assert not looking._far


async def test_a_booking_of_an_hour_is_looked_at_every_five_seconds():
    """However far it is, who is booked hears within five seconds what happened."""
    store = Memory(0.001)
    ours, other = process(store, 1, 3600), process(store, 1, 3600)
    await ours.acquire()
    waiting = asyncio.create_task(other.acquire())
    await asyncio.sleep(1000)
    assert len(store.requests) <= 203
    await ours.reset()
    start = asyncio.get_running_loop().time()
    await waiting

    assert asyncio.get_running_loop().time() - start < 5.1


async def test_all_keys_of_a_process_look_within_a_bound():
    """300 limits of one in 30 s make 50 looks a second, not 600."""
    stores = [Memory(0.001) for _ in range(300)]
    limiters = [process(store, 1, 30) for store in stores]

    async def two(limiter):
        await limiter.acquire()
        await limiter.acquire()

    await asyncio.gather(*map(two, limiters))

    assert asyncio.get_running_loop().time() == pytest.approx(30, abs=0.1)
    looks = [request for store in stores for request in store.requests[2:]]
    assert len(looks) / 30 <= 51
    assert not looking._far


@pytest.mark.real_time
async def test_keys_on_a_server_look_within_a_bound(own, name):
    """300 keys of one in 30 s, waited for: their server hears 50 calls a second."""
    with engine.admin(own) as admin:

        def calls():
            stats = admin.info("commandstats")
            named = (stats.get(f"cmdstat_{verb}", {}) for verb in ("evalsha", "eval"))
            return sum(stat.get("calls", 0) for stat in named)

        async with Redis(unix_socket_path=str(own.socket)) as client:
            limits = RedisKeyedLimiter(client, name, 1, 30)
            waiting = [
                asyncio.create_task(limits[key].acquire())
                for key in range(300)
                for _ in range(2)
            ]
            await asyncio.sleep(1.0)
            start, before = time.monotonic(), calls()
            await asyncio.sleep(7.0)
            looks, took = calls() - before, time.monotonic() - start
            done = sum(task.done() for task in waiting)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    assert done == 300
    assert 0 < looks <= 51 * took


async def test_a_pause_is_heard_before_a_far_booking_is_due():
    """Who was booked 10 s ahead before a pause does not run in it."""
    store = Memory(0.001)
    ours, other = process(store, 1, 10), process(store, 1, 10)
    await ours.acquire()
    waiting = asyncio.create_task(other.acquire())
    await asyncio.sleep(9)
    await ours.pause(20)
    await waiting

    assert asyncio.get_running_loop().time() >= 29


async def test_who_gives_up_looks_no_more():
    """A far booking that is cancelled, or whose limiter is gone, counts no more."""
    limiters = [process(Memory(), 1, 3600) for _ in range(2)]
    for limiter in limiters:
        await limiter.acquire()
    waiting = [asyncio.create_task(limiter.acquire()) for limiter in limiters]
    await asyncio.sleep(1)
    assert len(looking._far) == 2
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await asyncio.sleep(1)
    gc.collect()

    assert not looking._far


@pytest.mark.parametrize(("settles", "least", "most"), [(0, 2, 4), (20, 8, 16)])
async def test_who_is_far_ahead_looks_more_often_while_others_settle(
    settles, least, most
):
    """As places that nobody knows of are not used."""
    store = Memory(0.001)
    ours, other = process(store, 100, 20), process(store, 100, 20)
    held = [other.reserve(1) for _ in range(100)]
    for reservation in held:
        await reservation.__aenter__()
    waiting = asyncio.create_task(ours.acquire(90))
    before = len(store.requests)
    for place in range(20):
        await asyncio.sleep(0.5)
        if place < settles:
            await held[place].settle(0)
    looks = len(store.requests) - before - settles

    assert least <= looks <= most
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_what_a_process_settles_itself_is_no_news():
    """It hears of it anyway, so it looks no more often than others who wait so long."""
    store = Memory(0.001)
    limiter = process(store, 100, 20)
    held = [limiter.reserve(1) for _ in range(100)]
    for reservation in held:
        await reservation.__aenter__()
    waiting = asyncio.create_task(limiter.acquire(90))
    before = len(store.requests)
    for reservation in held[:5]:
        await asyncio.sleep(2)
        await reservation.settle(0)

    assert len(store.requests) - before - 5 <= 4
    waiting.cancel()
    await asyncio.wait([waiting])
