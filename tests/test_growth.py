"""
What twice as many who wait cost: about twice the steps, never the square.

Steps are lines of ours that are run, so no clock and no machine is asked.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from itertools import pairwise

import pytest

from aiolimiter import (
    AsyncLimiter,
    CombinedLimiter,
    RateLimitExceeded,
    SlidingWindowLimiter,
)
from aiolimiter._shell.line import BATCH

from .steps import counted

MANY = 500


class StoppedLoop(asyncio.SelectorEventLoop):
    """A loop in which no time goes by, so that the steps are always the same."""

    def time(self):
        return 1000.0


class SlowLoop(asyncio.SelectorEventLoop):
    """A loop in which time goes by when it is told."""

    now = 1000.0

    def time(self):
        return self.now


def run(main):
    with asyncio.Runner(loop_factory=StoppedLoop) as runner:
        return runner.run(main)


class Scene:
    """Many tasks at some limiters."""

    def __init__(self):
        self.random = random.Random(1)
        self.tasks = []

    def amount(self):
        return self.random.randint(1, 2000)

    async def join(self, limiter, many, amount=lambda: 1, max_wait=None):
        """Let *many* come, each with the next amount."""
        for _ in range(many):
            self.tasks.append(asyncio.create_task(wait(limiter, amount(), max_wait)))
        await asyncio.sleep(0)

    async def leave(self):
        """Let all who wait give up, and see that they did wait."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def wait(limiter, amount, max_wait):
    # Who is refused at once has come as well.
    with suppress(RateLimitExceeded):
        await limiter.acquire(amount, max_wait=max_wait)


def of_both(kind):
    return CombinedLimiter(kind(40_000, 6000), kind(30_000, 6000))


LIMITERS = {
    "a bucket": lambda: AsyncLimiter(30_000, 6000),
    "a window": lambda: SlidingWindowLimiter(30_000, 6000),
    "two buckets": lambda: of_both(AsyncLimiter),
    "two windows": lambda: of_both(SlidingWindowLimiter),
}


async def coming(limiter, many, scene, mixed):
    """All come who have a deadline that is far off."""
    with counted() as steps:
        await scene.join(limiter, many, scene.amount if mixed else lambda: 100, 1e6)
    return steps


async def asking(limiter, many, scene, mixed):
    """Some ask who will not wait, while *many* do."""
    await scene.join(limiter, many, scene.amount if mixed else lambda: 100)
    with counted() as steps:
        for _ in range(200):
            assert not limiter.try_acquire(50)
            limiter.statistics()
    return steps


async def hearing(limiter, many, scene, mixed):
    """A server says more each time, and then somebody comes who has a deadline."""
    await scene.join(limiter, many, scene.amount if mixed else lambda: 100, 1e6)
    with counted() as steps:
        for word in range(1, 200):
            limiter.pause(word / 100)
            with pytest.raises(RateLimitExceeded):
                await limiter.acquire(50, max_wait=1.0)
    return steps


async def leaving(limiter, many, scene, mixed):
    """All are cancelled at once."""
    await scene.join(limiter, many, scene.amount if mixed else lambda: 100, 1e6)
    with counted() as steps:
        for task in scene.tasks:
            task.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
    return steps


def steps_of(act, name, many, mixed):
    async def main():
        scene, limiter = Scene(), LIMITERS[name]()
        await limiter.acquire(30_000)
        steps = await act(limiter, many, scene, mixed)
        await scene.leave()
        return steps.count

    return run(main())


@pytest.mark.parametrize("mixed", [False, True], ids=["equal", "mixed"])
@pytest.mark.parametrize("name", LIMITERS)
def test_to_come_costs_the_same_however_many_wait(name, mixed):
    """Twice as many who come with a deadline take about twice the steps."""
    once, twice = (steps_of(coming, name, many, mixed) for many in (MANY, 2 * MANY))

    assert twice < 2.6 * once


@pytest.mark.parametrize("mixed", [False, True], ids=["equal", "mixed"])
@pytest.mark.parametrize("name", LIMITERS)
def test_to_ask_costs_the_same_however_many_wait(name, mixed):
    """Who will not wait is told when to ask again as fast behind twice as many."""
    few, more = (steps_of(asking, name, many, mixed) for many in (MANY, 4 * MANY))

    assert more < 4.0 * few


@pytest.mark.parametrize("mixed", [False, True], ids=["equal", "mixed"])
@pytest.mark.parametrize("name", ["a bucket", "a window"])
def test_to_come_after_a_word_costs_the_same_however_many_wait(name, mixed):
    """Each pause is heard, and the next who comes is not put behind all anew."""
    few, more = (steps_of(hearing, name, many, mixed) for many in (MANY, 4 * MANY))

    assert more < 2.0 * few


@pytest.mark.parametrize("mixed", [False, True], ids=["equal", "mixed"])
@pytest.mark.parametrize("name", LIMITERS)
def test_to_leave_costs_the_same_however_many_wait(name, mixed):
    """Twice as many who give up together take about twice the steps."""
    once, twice = (steps_of(leaving, name, many, mixed) for many in (MANY, 2 * MANY))

    assert twice < 2.6 * once


@pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])
def test_to_ask_costs_the_same_however_much_is_promised(kind):
    """Whom four times as many promises hold back is told so in about as many steps."""

    async def main(many):
        slow, other = kind(100 * many, 3000), kind(many, 6000)
        await slow.acquire(100 * many)
        other.pause(3500)
        scene = Scene()
        await scene.join(CombinedLimiter(slow, other), 2 * many)
        # All that fits is due, and goes to wait for the slow one, some at a time.
        other.reset()
        for _ in range(many // BATCH + 1):
            await asyncio.sleep(0)
        assert slow.statistics().waiting > many // 2
        with counted() as steps:
            for _ in range(50):
                assert not other.try_acquire(1)
        await scene.leave()
        return steps.count

    few, more = (run(main(many)) for many in (MANY, 4 * MANY))

    assert more < 2.0 * few


def test_one_huge_request_does_not_walk_past_many_small_ones():
    """Refused behind a hundred times as many small ones, it is told so as fast."""

    async def main(many):
        limiter, scene = AsyncLimiter(100 * MANY, 6000), Scene()
        await limiter.acquire(100 * MANY)
        await scene.join(limiter, 1, lambda: 90 * MANY)
        await scene.join(limiter, many)
        with counted() as steps:
            refused = limiter.try_acquire(50 * MANY)
        assert refused.retry_after >= 6000 * (50 * MANY + many) / (100 * MANY)
        await scene.leave()
        return steps.count

    few, more = (run(main(many)) for many in (MANY, 20 * MANY))

    assert more < 2.0 * few + MANY


@pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])
def test_statistics_cost_the_same_behind_any_number_who_will_give_up(kind):
    """After a pause that is too long for all, the next grant is looked for once."""

    async def main(many):
        limiter, scene = kind(30_000, 2000), Scene()
        await limiter.acquire(30_000)
        await scene.join(limiter, many, max_wait=3000)
        limiter.pause(3600)
        limiter.statistics()
        with counted() as steps:
            for _ in range(50):
                assert limiter.statistics().seconds_to_next is None
        await scene.leave()
        return steps.count

    few, more = (run(main(many)) for many in (MANY, 4 * MANY))

    assert more < 1.5 * few


@pytest.mark.parametrize(
    "kinds", [[AsyncLimiter], [SlidingWindowLimiter], [SlidingWindowLimiter] * 2]
)
async def test_thousands_who_are_due_do_not_block_the_loop(kinds):
    """Some are let in at each step of the loop: in their order, at one instant."""
    many, came = 4 * BATCH + 1, []
    limiters = [kind(many, 1) for kind in kinds]
    limiter = CombinedLimiter(*limiters) if len(kinds) > 1 else limiters[0]
    for each in limiters:
        each.pause(1)

    async def come(place):
        # No two at once: who comes first would be first in one line only.
        await asyncio.sleep(place * 1e-5)
        await limiter.acquire(1, max_wait=2)
        came.append((place, loop.time()))

    loop, steps = asyncio.get_running_loop(), []
    tasks = [asyncio.create_task(come(place)) for place in range(many)]
    await asyncio.sleep(0.5)
    for each in limiters:
        each.reset()
    while len(came) < many:
        steps.append(len(came))
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)

    assert max(after - before for before, after in pairwise(steps)) <= BATCH
    assert [place for place, _ in came] == list(range(many))
    assert len({at for _, at in came}) == 1


@pytest.mark.parametrize("kind", [AsyncLimiter, SlidingWindowLimiter])
def test_nobody_s_time_runs_out_while_others_are_let_in(kind):
    """Who is due in time and has to see others let in first is let in as well."""

    async def main():
        many, ends = 3 * BATCH, []
        limiter = kind(many, 1)
        limiter.pause(1)
        tasks = [asyncio.create_task(limiter.acquire(max_wait=9)) for _ in range(many)]
        await asyncio.sleep(0)
        limiter.reset()
        # To wake them takes long, and there are still some who have not been woken.
        loop.now += 20
        ends += await asyncio.gather(*tasks, return_exceptions=True)
        return ends

    loop = SlowLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        ends = runner.run(main())

    assert set(ends) == {None}


class CoarseLoop(asyncio.SelectorEventLoop):
    """A loop whose clock counts whole seconds, so that many come at one instant."""

    def time(self):
        return super().time() // 1


def test_two_limits_do_not_send_those_of_one_instant_to_and_fro():
    """Thousands who came at once to two limits, in either order, are all let in."""

    async def main():
        limits = [SlidingWindowLimiter(3 * BATCH, 1) for _ in range(2)]
        both = [CombinedLimiter(*limits), CombinedLimiter(*reversed(limits))]
        await both[0].acquire(3 * BATCH)
        tasks = [
            asyncio.create_task(both[place % 2].acquire(max_wait=3))
            for place in range(3 * BATCH)
        ]
        return await asyncio.gather(*tasks, return_exceptions=True)

    with asyncio.Runner(loop_factory=CoarseLoop) as runner:
        assert set(runner.run(main())) == {None}


def test_nobody_is_let_in_late_for_having_seen_others_let_in():
    """Who was not due with them, and is not in time, is refused as ever."""

    async def main():
        limiter, late = AsyncLimiter(BATCH, 1, burst=2 * BATCH), []
        limiter.pause(1)

        async def come(place):
            max_wait = 4.5 if place >= 2 * BATCH else 90
            with suppress(RateLimitExceeded):
                await limiter.acquire(max_wait=max_wait)
                late.append(loop.now > 1000 + max_wait)

        tasks = [loop.create_task(come(place)) for place in range(7 * BATCH)]
        await asyncio.sleep(0)
        limiter.reset()
        # Somebody keeps the loop busy for long.
        loop.now += 20
        await asyncio.gather(*tasks)
        return late

    loop = SlowLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        assert not any(runner.run(main()))


async def test_who_settles_at_once_does_not_block_the_loop():
    """Some are let in at each step, whatever those who were let in do meanwhile."""
    many = 4 * BATCH
    limiter, waiting = AsyncLimiter(2 * many, 60), []
    limiter.pause(5)

    async def come():
        async with limiter.reserve(1) as reservation:
            reservation.settle(0.5)

    tasks = [asyncio.create_task(come()) for _ in range(many)]
    await asyncio.sleep(0)
    limiter.reset()
    while not all(task.done() for task in tasks):
        waiting.append(limiter.statistics().waiting)
        await asyncio.sleep(0)

    assert max(before - after for before, after in pairwise(waiting)) <= BATCH
