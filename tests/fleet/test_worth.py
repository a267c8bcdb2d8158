"""What is settled and cancelled is worth in a fleet what it is worth in one process."""

from __future__ import annotations

import asyncio
import random
from math import inf

import pytest

from aiolimiter import AsyncLimiter
from aiolimiter._core.shared.trip import Reply, Terms
from aiolimiter._shell.shared.asking import Waiter
from aiolimiter._shell.shared.stretch import Stretch

from .memory import Memory, cancelled_when_granted, process
from .test_conformance import ask

WORKERS, SECONDS = 60, 600.0
# Units a minute, how many are asked for and used, and seconds until that is known.
ROWS = [(90_000, 900, 650, 2.0), (90_000, 4000, 500, 3.0), (30_000, 2000, 300, 5.0)]


async def used(limiters, estimate, actual, answered, *, seconds=SECONDS, since=-1.0):
    """How much *actual* use 60 workers, who estimate, get through in *seconds*."""
    loop = asyncio.get_running_loop()
    chance, start, total = random.Random(1), loop.time(), 0.0
    since, until = start + since, start + seconds

    async def work(limiter):
        nonlocal total
        while loop.time() < until:
            async with limiter.reserve(estimate) as reservation:
                if since < loop.time() < until:
                    total += actual
                await asyncio.sleep(answered * (0.5 + chance.random()))
                await ask(reservation.settle(actual))

    workers = (work(limiters[i % len(limiters)]) for i in range(WORKERS))
    await asyncio.gather(*workers)
    return total


@pytest.mark.parametrize(("rate", "estimate", "actual", "answered"), ROWS)
async def test_settling_is_worth_what_it_is_worth_in_one_process(
    rate, estimate, actual, answered
):
    """Over ten minutes, four processes use as much as one, of what one could use."""
    alone = await used([AsyncLimiter(rate, 60)], estimate, actual, answered)
    store = Memory(0.001)
    fleet = [process(store, rate, 60) for _ in range(4)]
    together = await used(fleet, estimate, actual, answered)

    assert together >= 0.95 * alone


@pytest.mark.parametrize("rate", [1, 10, 50, 1000])
@pytest.mark.parametrize("others", [0, 3])
async def test_a_thousand_cancelled_in_their_tick_lose_what_leaked_once(rate, others):
    """Of 1,000 grants that nobody used all comes back but what leaked, once."""
    store = Memory(0.001)
    limiter, other = process(store, rate, burst=2000), process(store, rate, burst=2000)
    await cancelled_when_granted(limiter, 1000)
    for _ in range(others):
        await other.acquire()
    await asyncio.sleep(0.1)

    # A breath of 20 ms, and the way.
    assert store.state.levels[0] <= others + rate * 0.025


async def test_a_newcomer_does_not_let_what_others_gave_up_lapse():
    """A thousand cancelled under way: who comes before it went back takes of it."""
    store = Memory(0.005)
    limiter = process(store, 10, burst=2000)
    tasks = [asyncio.create_task(limiter.acquire()) for _ in range(1000)]
    await asyncio.sleep(0.007)
    for task in tasks:
        task.cancel()
    await asyncio.sleep(0.01)
    await limiter.acquire(2)
    await asyncio.sleep(0.2)

    assert store.state.levels[0] <= 2 + 10 * 0.025


async def test_a_larger_amount_does_not_take_what_was_put_off_for_smaller_ones():
    """The store was told how low the bucket runs: as low as the largest booked."""
    store = Memory(0.001)
    limiter = process(store, 10, quantum=2_000_000)
    await limiter.acquire(10)
    small = [asyncio.create_task(limiter.acquire()) for _ in range(9)]
    await asyncio.sleep(0.01)
    for task in small:
        task.cancel()
    await asyncio.sleep(0.001)
    trips = len(store.requests)
    await limiter.acquire(5)

    assert any(group.amount == 5 for r in store.requests[trips:] for group in r.groups)


@pytest.mark.parametrize(("rate", "estimate", "actual", "answered"), ROWS)
async def test_settling_is_worth_it_from_the_first_minute(
    rate, estimate, actual, answered
):
    """Also while the burst lasts, and all that is settled at once makes room."""
    row = estimate, actual, answered
    alone = await used([AsyncLimiter(rate, 60)], *row, seconds=60.0)
    store = Memory(0.001)
    fleet = [process(store, rate, 60) for _ in range(4)]
    together = await used(fleet, *row, seconds=60.0)

    assert together >= 0.9 * alone


async def test_who_moves_up_was_not_due_before_somebody_settled():
    """It is due when it was last told that it had not moved up, and no sooner."""
    store = Memory()
    one, other = process(store, 10, 10), process(store, 10, 10)

    async def wait():
        async with other.reserve(9) as late:
            return late._booking.due

    async with one.reserve(10) as early:
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(4.5)
        told = other._line.pump.seen.last
        await early.settle(0)
        settled = store.state.last
    due = await waiting

    assert settled - 2_500_000 < told < settled
    assert due == told


async def test_who_was_due_before_somebody_settled_stays_so():
    """What makes room changes nothing for who had a place, and has not been woken."""
    terms = Terms((1e-5,), (10.0,))
    reply = Reply(1_000_000, 0.0, 0, (10.0,), (11.0,), refunded=False, served=())
    stretch = Stretch(terms, reply, 1.0, 1.0, base=0.0)
    turn = asyncio.get_running_loop().create_future()
    stretch.claim(Waiter(0.0, 1.0, turn, inf, inf))
    # It was due after 0.1 s; then somebody settled, after 0.2 s and more.
    stretch.move_up(50_000.0, since=1_200_000)
    stretch.grant(1.0)

    assert turn.result().due == 1_100_000
