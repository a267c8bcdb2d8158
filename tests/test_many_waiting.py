"""What many who wait for a shared limit cost: a trip looks at those it books."""

from __future__ import annotations

import asyncio

import pytest

from .fleet.memory import Memory, process
from .steps import counted


async def waiting(many, limiter, amount=lambda _: 1, **options):
    """Tasks that wait behind somebody else's amount, and were put off by a trip."""
    tasks = [
        asyncio.create_task(limiter.acquire(amount(place), **options))
        for place in range(many)
    ]
    await asyncio.sleep(1)
    return tasks


async def leave(tasks):
    """Let all give up."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.2)


def limiters():
    """Two processes that share 40,000 in 400 s; one of them has it all."""
    store = Memory(0.001)
    return store, process(store, 40_000, 400), process(store, 40_000, 400)


async def steps_of_trips(many, amount, **options):
    """How many steps five seconds' trips take."""
    store, other, ours = limiters()
    # Unknown to us, so the first trip asks for all.
    await other.acquire(40_000)
    tasks = await waiting(many, ours, amount, **options)
    before = len(store.requests)
    with counted() as steps:
        await asyncio.sleep(5)
    assert len(store.requests) - before > 50
    await leave(tasks)
    return steps.count


@pytest.mark.parametrize("options", [{}, {"max_wait": 1e4}], ids=["any", "deadline"])
@pytest.mark.parametrize(
    "amount", [lambda _: 1, lambda place: 1 + place % 3], ids=["equal", "mixed"]
)
async def test_a_trip_looks_at_those_it_books(options, amount):
    """With twice as many who wait, and were asked for before, trips cost the same."""
    once = await steps_of_trips(1500, amount, **options)
    twice = await steps_of_trips(3000, amount, **options)

    assert twice < 1.1 * once


async def steps_of_leaving(many, options):
    """How many steps it takes until all are gone."""
    store, other, ours = limiters()
    await other.acquire(40_000)
    tasks = await waiting(many, ours, **options)
    with counted() as steps:
        await leave(tasks)
    assert (await ours.statistics()).waiting == 0
    assert (await ours.statistics()).amount_waiting == 0
    assert len(store.requests) < 300
    return steps.count


@pytest.mark.parametrize("options", [{}, {"max_wait": 1e4}], ids=["any", "deadline"])
async def test_to_leave_costs_the_same_however_many_wait(options):
    """Twice as many who were put off and are cancelled at once take twice the steps."""
    once = await steps_of_leaving(1500, options)
    twice = await steps_of_leaving(3000, options)

    assert twice < 2.3 * once


async def test_those_who_were_put_off_keep_their_order():
    """Put off, paused and put off again, all are served in the order they came in."""
    store = Memory(0.001)
    other, ours = process(store, 100, burst=20), process(store, 100, burst=20)
    await other.acquire(20)
    order = []

    async def one(place):
        await ours.acquire()
        order.append(place)

    tasks = [asyncio.create_task(one(place)) for place in range(30)]
    await asyncio.sleep(0.05)
    tasks[3].cancel()
    tasks[29].cancel()
    await ours.pause(0.1)
    tasks += [asyncio.create_task(one(place)) for place in range(30, 40)]
    await asyncio.sleep(0.05)
    await ours.pause(0.1)
    await asyncio.gather(*tasks, return_exceptions=True)

    assert order == sorted(order)
    assert len(set(order)) >= 38
