"""A limit that is changed while a fleet uses it, and two that are rolled out."""

from __future__ import annotations

import asyncio
import gc
from math import inf

import pytest

from aiolimiter import BackendError

from .memory import Memory, process
from .replay import excess


async def test_a_change_is_brought_back_when_the_store_lost_it():
    """Whoever knows the latest change tells a store that has lost it."""
    store = Memory()
    one, other = process(store, 10), process(store, 10)
    await one.change(max_rate=5)
    await other.change(max_rate=2, time_period=4)
    store.state = None
    await one.statistics()
    early = process(store, 10)
    before = (await early.statistics()).max_rate
    await other.acquire()
    late = await process(store, 10).statistics()

    # The one knows the first change, the other one the second.
    assert before == 5
    assert (late.max_rate, late.time_period, late.burst) == (2, 4, 2)


async def test_taken_back_is_taken_back():
    """A change that was taken back is not brought back by who knows it still."""
    store = Memory()
    one, other = process(store, 10), process(store, 10)
    await one.change(max_rate=5)
    await other.change()
    await one.acquire()

    assert one.max_rate == 10
    assert (await process(store, 20).statistics()).max_rate == 10


async def test_the_burst_follows_until_it_is_another_number():
    """A burst that is the same as max_rate follows it; any other stays."""
    limiter = process(Memory(), 10)
    await limiter.change(max_rate=20)
    followed = limiter.burst
    await limiter.change(burst=7)
    await limiter.change(max_rate=30)

    assert followed == 20
    assert (limiter.max_rate, limiter.time_period, limiter.burst) == (30, 1, 7)


async def test_many_rates_become_one_and_many_again():
    """A change may have more rates than there were, or fewer."""
    store = Memory()
    one, other = process(store, 10), process(store, [(10, 1), (100, 60)])
    await one.acquire(4)
    await one.change(max_rate=[(8, 1), (20, 60), (30, 600)])
    many = await other.statistics()
    await one.change(max_rate=6, time_period=1)
    await other.acquire(1)

    assert many.level == pytest.approx(4)
    assert (one.max_rate, other.max_rate, other.burst) == (6, 6, 6)
    with pytest.raises(ValueError, match="burst must be left out with several rates"):
        await one.change(max_rate=[(8, 1), (20, 60)], burst=3)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([(100, 1), (60, 60)], [(20, 10), (60, 33)]),
        ([(60, 60), (100, 1)], [(60, 33), (20, 10)]),
        ([(100, 1), (60, 60)], [(20, 10), (60, 33), (400, 400)]),
        ([(100, 1), (60, 60), (600, 600)], [(20, 10), (60, 33)]),
        ([(100, 1), (60, 60)], [(20, 10)]),
        ([(20, 10)], [(100, 1), (60, 60)]),
    ],
)
async def test_several_rates_hold_whatever_they_were_before(before, after):
    """From a change on, each of the rates in force holds, however full the others."""
    store, ran = Memory(0.001), []
    limiter = process(store, before, quantum=120_000_000)
    loop = asyncio.get_running_loop()

    async def take():
        await limiter.acquire(10)
        ran.append((loop.time(), 10))

    takers = [asyncio.create_task(take()) for _ in range(80)]
    await asyncio.sleep(1)
    # The slow rate has put off the next one, so the fast one is full for long.
    await limiter.change(max_rate=after)
    changed = loop.time()
    async with asyncio.timeout(3600):
        await asyncio.wait(takers)

    since = [(at, amount) for at, amount in ran if at > changed]
    assert len(ran) == 80
    assert max(excess(since, rate / time, rate) for rate, time in after) <= 0.2


async def test_what_was_booked_ahead_comes_back_when_it_is_void():
    """From one a minute to one a second: who was booked minutes ahead is soon due."""
    store = Memory(0.001)
    fleet = [process(store, 1, 60, burst=5) for _ in range(4)]
    await fleet[0].acquire(5)
    tasks = [
        asyncio.create_task(limiter.acquire()) for limiter in fleet for _ in range(4)
    ]
    await asyncio.sleep(1)
    loop = asyncio.get_running_loop()
    start = loop.time()
    await fleet[0].change(time_period=1)
    await asyncio.wait(tasks)

    # Sixteen at one a second; were nothing given back, some more.
    assert loop.time() - start <= 17


async def test_the_stricter_counts_until_it_has_not_booked_for_a_minute():
    """Old and new: the stricter of both, and then what is left of the two."""
    store = Memory()
    old, new = process(store, 5, burst=5), process(store, 50, burst=50)
    await old.acquire()
    both = [bool(await new.try_acquire(2)) for _ in range(3)]
    await asyncio.sleep(59)
    still = [bool(await new.try_acquire(5)) for _ in range(2)]
    await asyncio.sleep(2)
    alone = [bool(await new.try_acquire(5)) for _ in range(10)]

    assert both == [True, True, False]
    assert still == [True, False]
    assert alone == [True] * 10


async def test_who_is_let_go_to_its_share_has_a_share_of_what_is_in_force():
    """While the store is away, the share is one of the changed rate."""
    store = Memory()
    limiter = process(store, 100, on_error="local", share=0.5)
    await limiter.change(max_rate=8, time_period=4)
    store.error = OSError("gone")
    loop = asyncio.get_running_loop()
    start = loop.time()
    for _ in range(6):
        await limiter.acquire()

    # Four at once, and two at one a second.
    assert loop.time() - start == pytest.approx(2, abs=0.01)


async def test_what_has_no_limit_has_nothing_to_change():
    """A limiter without a limit asks no store, so it can't be changed."""
    limiter = process(Memory(), inf)

    with pytest.raises(RuntimeError, match="max_rate=inf: make another one"):
        await limiter.change(max_rate=5)
    assert (await limiter.statistics()).max_rate == inf


async def test_a_change_is_not_lost_in_a_trip_that_is_under_way():
    """It goes in the next trip, and what the other one brings is void."""
    store = Memory(0.01)
    limiter = process(store, 10)
    taking = asyncio.create_task(limiter.acquire(10))
    await asyncio.sleep(0.005)
    await limiter.change(max_rate=20)
    await taking

    assert limiter.burst == 20
    assert (await limiter.statistics()).level >= 10


async def test_a_change_is_heard_when_the_limiter_has_gone():
    """The last trip of a limiter that nobody holds any more may bring a change."""
    store = Memory(0.01)
    limiter, other = process(store, 10), process(store, 10)
    await limiter.acquire(10)
    waiting = asyncio.create_task(limiter.acquire(4))
    await asyncio.sleep(0.015)
    # What it was booked goes back a moment after.
    waiting.cancel()
    await asyncio.wait([waiting])
    del limiter, waiting
    gc.collect()
    await other.change(max_rate=5)
    trips = len(store.requests)
    await asyncio.sleep(0.5)

    assert len(store.requests) > trips
    assert (await other.statistics()).level == pytest.approx(7.05, abs=0.1)


async def test_who_is_booked_far_ahead_does_not_ask_at_once_again():
    """A store that holds something else is asked no oftener than there is news."""
    store = Memory()
    limiter = process(store, 1, 60)
    tasks = [asyncio.create_task(limiter.acquire()) for _ in range(2)]
    await asyncio.sleep(1)
    store.error = BackendError("no limiter's")
    trips = len(store.requests)
    await asyncio.sleep(30)

    assert len(store.requests) - trips <= 30
    for task in tasks:
        task.cancel()


async def test_a_debt_beneath_two_pauses_is_there_after_a_change():
    """What was used before a pause, and before another one in it, still leaks."""
    limiter = process(Memory(), 10)
    await limiter.acquire(10)
    await limiter.pause(0.1)
    await limiter.pause(0.2)
    await limiter.change(max_rate=1)
    loop = asyncio.get_running_loop()
    start = loop.time()
    await limiter.acquire()

    assert 9.9 <= loop.time() - start <= 10.1


async def test_who_can_never_have_it_is_told():
    """In all processes, who waits for more than a smaller burst gets the error."""
    store = Memory()
    fleet = [process(store, 10, 60) for _ in range(2)]
    await fleet[0].acquire(10)
    tasks = [asyncio.create_task(limiter.acquire(8)) for limiter in fleet]
    await asyncio.sleep(0.1)
    await fleet[0].change(max_rate=5)
    async with asyncio.timeout(6):
        results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [str(result)[:42] for result in results] == [
        "can't acquire 8: this limiter holds at mos"
    ] * 2
