"""What is changed for all keys at once: the same for each, and cheap for all."""

from __future__ import annotations

import asyncio

import pytest

from aiolimiter import (
    CombinedLimiter,
    KeyedLimiter,
    KeyedSlidingWindowLimiter,
)
from aiolimiter._shell.keyed import keys
from aiolimiter._shell.keyed.keys import BUSY, GO

from .steps import instructions

KINDS = [KeyedLimiter, KeyedSlidingWindowLimiter]


async def turns(number):
    """Let the loop take some turns."""
    for _ in range(number):
        await asyncio.sleep(0)


@pytest.mark.parametrize("make", KINDS)
async def test_a_reset_is_for_quiet_and_live_keys_and_those_that_wait(make):
    """All are as good as new, at once, and whoever waits goes on."""
    limits = make(2, 60)
    held = limits["held"]
    for key in ("waits", "held", "idle"):
        for _ in range(2):
            await limits[key].acquire()
    await held.acquire(0)
    waiting = asyncio.create_task(limits["waits"].acquire())
    await turns(2)
    limits["paused"].pause(30)

    limits.reset()
    await turns(2)

    assert waiting.done()
    assert held.try_acquire(2)
    assert limits["idle"].try_acquire(2)
    assert limits["paused"].try_acquire(2)
    assert limits["waits"].try_acquire(1)
    assert not limits["waits"].try_acquire(1)


@pytest.mark.parametrize("make", KINDS)
async def test_after_a_reset_nothing_is_owed(make):
    """No key of before is counted, quiet or live."""
    limits = make(lambda _: 2, 60)
    for key in range(50):
        limits[key].try_acquire()
    limits.reset()

    assert list(limits) == []
    assert len(limits) == 0


async def test_all_who_wait_are_timed_anew():
    """Also where they are too many for one go; nobody is left at the old rate."""
    limits = KeyedLimiter(1, 1000)
    number = 3 * GO // BUSY
    tasks = []
    for key in range(number):
        await limits[key].acquire()
        tasks.append(asyncio.create_task(limits[key].acquire()))
    await turns(2)

    limits.time_period = 1
    await asyncio.sleep(1.001)

    assert all(task.done() for task in tasks)


async def test_changes_while_others_are_still_followed():
    """A change in the middle of one: whoever waits follows both, in their order."""
    limits = KeyedLimiter(1, 1000)
    tasks = []
    for key in range(3 * GO // BUSY):
        await limits[key].acquire()
        tasks.append(asyncio.create_task(limits[key].acquire()))
    await turns(2)

    limits.time_period = 1
    limits.time_period = 500
    await turns(1)
    limits.time_period = 1
    await asyncio.sleep(1.001)

    assert all(task.done() for task in tasks)


async def test_keys_that_go_while_those_who_wait_are_looked_at():
    """What is left to look at is no more than there is."""
    limits = KeyedLimiter(1, 1)
    for key in range(2 * GO):
        await limits[key].acquire()
    limits.time_period = 2
    await asyncio.sleep(5)
    for key in range(40 * GO):
        limits[key % 3].try_acquire()

    assert len(limits) <= 3


async def test_a_limiter_that_is_held_follows_every_change():
    """It has its line at hand again after each."""
    limits = KeyedLimiter(10, 10)
    held = limits["a"]
    await limits["a"].acquire(0)
    held = limits["a"]
    levels = []
    for rate in (10, 20, 40):
        limits.max_rate = rate
        assert held.burst == rate
        held.reset()
        held.try_acquire(rate)
        await asyncio.sleep(5)
        levels.append(held.statistics().level)

    assert levels == pytest.approx([5, 10, 20])


async def test_a_key_that_nobody_touched_leaks_at_each_rate_in_its_time():
    """A live one as much as a quiet one."""
    limits = KeyedLimiter(10, 10, burst=100)
    await limits["a"].acquire(100)
    for max_rate in (20, 40, 10):
        await asyncio.sleep(1)
        limits.max_rate = max_rate
    await asyncio.sleep(1)

    assert limits["a"].statistics().level == pytest.approx(100 - 1 - 2 - 4 - 1)


async def test_a_function_that_fails_later_leaves_a_key_its_limit():
    """One of very many that wait, for which the new function fails."""
    limits = KeyedLimiter(1, 1)
    tasks = []
    for key in range(GO + 10):
        await limits[key].acquire()
        tasks.append(asyncio.create_task(limits[key].acquire()))
    await turns(2)

    limits.max_rate = lambda key: 1 if key < GO else {}[key]
    await asyncio.sleep(1.001)

    assert all(task.done() for task in tasks)
    assert not limits[GO + 5].try_acquire()
    await asyncio.sleep(1)
    assert limits[GO + 5].try_acquire()


async def test_many_that_are_combined_follow():
    """A key's line that waits in a combined limiter follows a change too."""
    limits, everyone = KeyedLimiter(1, 1000), KeyedLimiter(100, 1)
    both = CombinedLimiter(limits["a"], everyone["all"])
    await both.acquire()
    waiting = asyncio.create_task(both.acquire())
    await turns(2)
    limits.time_period = 1
    await asyncio.sleep(1.001)

    assert waiting.done()


def test_in_a_later_loop_what_was_changed_counts():
    """Changed in one loop, or outside of any, and looked at in the next."""
    limits = KeyedLimiter(10, 10)

    async def take():
        await limits["a"].acquire(5)
        limits.max_rate = 20

    async def available():
        limits["b"].try_acquire()
        return limits["a"].statistics().available

    asyncio.run(take())
    limits.burst = 30

    assert asyncio.run(available()) == pytest.approx(25, abs=1)


def test_with_the_loop_closed_nobody_is_looked_at():
    """A change outside of any loop, with more keys than are looked at in one go."""
    limits = KeyedLimiter(1, 1000)

    async def fill():
        for key in range(2 * GO):
            await limits[key].acquire()

    asyncio.run(fill())
    limits.time_period = 500
    limits.time_period = 200

    assert limits[1].time_period == 200


async def test_more_than_are_at_hand(monkeypatch):
    """Of very many some do not have their line at hand: they find it."""
    monkeypatch.setattr(keys, "AT_HAND", 50)
    limits = KeyedLimiter(1, 1)
    tasks = []
    for key in range(60):
        await limits[key].acquire()
        tasks.append(asyncio.create_task(limits[key].acquire()))
    await turns(1)

    assert limits[55].statistics().waiting == 1
    assert not limits[55].try_acquire()
    limits.max_rate = 2
    await turns(5)
    assert all(task.done() for task in tasks)
    assert limits[55].burst == 2
    await asyncio.sleep(10)
    for key in range(5000):
        limits[key % 2].try_acquire()
    assert len(limits) <= 2


@pytest.mark.parametrize("what", ["max_rate", "reset"])
def test_a_change_takes_as_many_steps_whatever_waits(what):
    """With twice the keys that wait as many, but for taking a line from each."""

    def cost(number):
        async def main():
            limits = KeyedLimiter(1, 1000)
            tasks = []
            for key in range(number):
                await limits[key].acquire()
                tasks.append(asyncio.create_task(limits[key].acquire()))
            await turns(1)
            if what == "reset":
                counted = instructions(limits.reset)
            else:
                counted = instructions(setattr, limits, what, 2)
            for task in tasks:
                task.cancel()
            return counted

        return asyncio.run(main())

    few, many = cost(300), cost(600)
    # A few instructions, whose number depends on the interpreter.
    assert many - few <= 300 * 25
